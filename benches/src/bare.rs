//! Bare servers behind mutual TLS: one that always gives the same answer, which is what gRPC itself
//! costs, and one that looks the answer up and neither asks whether it may nor writes it down.

use std::collections::HashMap;

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

/// What a bare server answers.
pub(crate) enum Bare {
    /// The same to everybody.
    Echo(Box<LookupCitizenResponse>),
    /// What is held of a number.
    Held(HashMap<String, LookupCitizenResponse>),
}

type Answer<T> = Result<Response<T>, Status>;

/// Serves the answers on a free port; ends with the runtime.
pub(crate) async fn serve(pki: &Pki, answers: Bare) -> SocketAddr {
    let files = pki.server();
    let read = |path: &std::path::Path| std::fs::read(path).expect("a certificate file");
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read(&files.cert), read(&files.key)))
        .client_ca_root(Certificate::from_pem(read(&files.client_ca)));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::builder().tls_config(tls).expect("TLS");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = CitizenServiceServer::new(answers);
    let serving = server
        .clone()
        .add_service(service)
        .serve_with_incoming(incoming);
    TaskTracker::new().spawn(serving);
    address
}

fn other<T>() -> Answer<T> {
    Err(Status::unimplemented("a bare server only answers lookups"))
}

#[tonic::async_trait]
impl CitizenService for Bare {
    async fn lookup_citizen(
        &self,
        request: Request<LookupCitizenRequest>,
    ) -> Answer<LookupCitizenResponse> {
        let answer = match self {
            Self::Echo(answer) => Some(answer.as_ref()),
            Self::Held(answers) => {
                let number = request.get_ref().identifier.as_ref();
                number.and_then(|number| answers.get(&number.value))
            }
        };
        let answer = answer.ok_or_else(|| Status::not_found("nobody has this number"))?;
        Ok(Response::new(answer.clone()))
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
