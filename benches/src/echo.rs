//! A bare server behind mutual TLS that always gives the same answer: what gRPC itself costs.

use std::net::SocketAddr;

use rabt_proto::citizen::citizen_service_server::{CitizenService, CitizenServiceServer};
use rabt_proto::citizen::{
    BatchLookupCitizensRequest, BatchLookupCitizensResponse, ExplainFieldRequest,
    ExplainFieldResponse, GetCitizenRequest, GetCitizenResponse, ListCitizenRevisionsRequest,
    ListCitizenRevisionsResponse, ListSourceReferencesRequest, ListSourceReferencesResponse,
    LookupCitizenRequest, LookupCitizenResponse, SearchCitizensRequest, SearchCitizensResponse,
    VerifyAttributesRequest, VerifyAttributesResponse,
};
use rabt_tests::Pki;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// The answer.
pub(crate) struct Echo(LookupCitizenResponse);

type Answer<T> = Result<Response<T>, Status>;

/// Serves the answer on a free port; ends with the runtime.
pub(crate) async fn serve(pki: &Pki, answer: LookupCitizenResponse) -> SocketAddr {
    let files = pki.server();
    let read = |path: &std::path::Path| std::fs::read(path).expect("a certificate file");
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read(&files.cert), read(&files.key)))
        .client_ca_root(Certificate::from_pem(read(&files.client_ca)));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::builder().tls_config(tls).expect("TLS");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = CitizenServiceServer::new(Echo(answer));
    let serving = server
        .clone()
        .add_service(service)
        .serve_with_incoming(incoming);
    TaskTracker::new().spawn(serving);
    address
}

fn other<T>() -> Answer<T> {
    Err(Status::unimplemented("the echo only answers lookups"))
}

#[tonic::async_trait]
impl CitizenService for Echo {
    async fn lookup_citizen(
        &self,
        _: Request<LookupCitizenRequest>,
    ) -> Answer<LookupCitizenResponse> {
        Ok(Response::new(self.0.clone()))
    }

    async fn get_citizen(&self, _: Request<GetCitizenRequest>) -> Answer<GetCitizenResponse> {
        other()
    }

    async fn batch_lookup_citizens(
        &self,
        _: Request<BatchLookupCitizensRequest>,
    ) -> Answer<BatchLookupCitizensResponse> {
        other()
    }

    async fn search_citizens(
        &self,
        _: Request<SearchCitizensRequest>,
    ) -> Answer<SearchCitizensResponse> {
        other()
    }

    async fn verify_attributes(
        &self,
        _: Request<VerifyAttributesRequest>,
    ) -> Answer<VerifyAttributesResponse> {
        other()
    }

    async fn list_source_references(
        &self,
        _: Request<ListSourceReferencesRequest>,
    ) -> Answer<ListSourceReferencesResponse> {
        other()
    }

    async fn explain_field(&self, _: Request<ExplainFieldRequest>) -> Answer<ExplainFieldResponse> {
        other()
    }
    async fn list_citizen_revisions(
        &self,
        _: Request<ListCitizenRevisionsRequest>,
    ) -> Answer<ListCitizenRevisionsResponse> {
        other()
    }
}
