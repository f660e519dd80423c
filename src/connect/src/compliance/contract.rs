//! What a kind says of itself and of a place.

use std::collections::BTreeSet;

use crate::compliance::run::read;
use crate::compliance::{NewTable, Skipped, Subject, Verdict, place, row, session};
use crate::connector::{Filter, Outcome};

/// The description is complete.
pub async fn description_is_valid(subject: &dyn Subject) -> Verdict {
    let description = subject.connector().describe();
    assert!(!description.kind.is_empty());
    assert!(!description.label.en.is_empty() && !description.label.ar.is_empty());
    let capabilities = description.capabilities;
    assert!(capabilities.snapshot || capabilities.incremental);
    let names: BTreeSet<&str> = description.config.iter().map(|key| key.name).collect();
    assert_eq!(
        names.len(),
        description.config.len(),
        "a key is there twice"
    );
    assert!(description.config.iter().all(|key| !key.doc.is_empty()));
    let place = place(subject).await?;
    for key in place.config().keys() {
        assert!(names.contains(key.as_str()), "{key} is not described");
    }
    Ok(())
}

/// Neither a session nor an error shows a secret.
pub async fn secrets_never_in_debug(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    for config in place.wrong_configs() {
        let session = session(place.as_ref(), config);
        assert!(!format!("{session:?}").contains("hunter2"));
        let found = subject
            .connector()
            .discover(&session, &Filter::default())
            .await;
        assert!(!format!("{found:?}").contains("hunter2"));
        let findings = subject.connector().check(&session).await;
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
    Ok(())
}

/// A misspelt key is answered with the right one.
pub async fn unknown_key_is_suggested(subject: &dyn Subject) -> Verdict {
    let connector = subject.connector();
    let Some(key) = connector.describe().config.first().copied() else {
        return Err(Skipped::of(
            "the kind has no configuration",
            "هذا النوع ليس له إعدادات",
        ));
    };
    let mut config = toml::Table::new();
    config.insert(format!("{}x", key.name), toml::Value::String("x".into()));
    let problems = connector.validate(&config);
    assert!(
        problems
            .iter()
            .any(|p| p.suggestion.as_deref() == Some(key.name))
    );
    if key.required {
        assert!(problems.iter().any(|problem| problem.key == key.name));
    }
    Ok(())
}

/// What an operator must correct is a configuration error, with a remedy, in every call.
pub async fn wrong_config_is_configuration_error(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let connector = subject.connector();
    let table = NewTable::new("persons", &["id"], &["id"]);
    place.create(&table, &[row(&["1"])]).await;
    let plan = table.plan(place.as_ref(), 10);
    for config in place.wrong_configs() {
        let session = session(place.as_ref(), config);
        let error = connector
            .discover(&session, &Filter::default())
            .await
            .expect_err("discover takes a wrong configuration");
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(!error.remedy().is_empty());
        let error = read(connector.as_ref(), &session, &plan, None)
            .await
            .expect_err("read takes a wrong configuration");
        assert_eq!(error.name(), "configuration", "{error}");
        let findings = connector.check(&session).await;
        let failed = findings.iter().find(|f| f.outcome == Outcome::Fail);
        assert!(failed.is_some_and(|finding| finding.remedy.is_some()));
    }
    Ok(())
}

/// A server that does not answer is a transient error.
pub async fn unreachable_is_transient(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let Some(config) = place.unreachable_config() else {
        return Err(Skipped::of(
            "no server that does not answer is named",
            "لم يُسمَّ خادم لا يجيب",
        ));
    };
    let session = session(place.as_ref(), config);
    let connector = subject.connector();
    let error = connector
        .discover(&session, &Filter::default())
        .await
        .expect_err("discover reaches a server that does not answer");
    assert_eq!(error.name(), "transient", "{error}");
    let findings = connector.check(&session).await;
    assert!(findings.iter().any(|f| f.outcome == Outcome::Fail));
    Ok(())
}

/// A right configuration has no failing finding, and findings have names of their own.
pub async fn check_finds_nothing_wrong(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id", "name"], &["id"]);
    place.create(&table, &[row(&["1", "منى"])]).await;
    let session = session(place.as_ref(), place.config());
    let findings = subject.connector().check(&session).await;
    assert!(!findings.is_empty());
    assert!(
        findings.iter().all(|f| f.outcome != Outcome::Fail),
        "{findings:?}"
    );
    let names: BTreeSet<&str> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(names.len(), findings.len(), "{findings:?}");
    Ok(())
}

/// Checking, discovering and reading leave the place as it was.
pub async fn nothing_is_ever_written(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id", "name"], &["id"]);
    place
        .create(&table, &[row(&["1", "a"]), row(&["2", "b"])])
        .await;
    let before = place.state().await;
    let connector = subject.connector();
    let session = session(place.as_ref(), place.config());
    connector.check(&session).await;
    let found = connector.discover(&session, &Filter::default()).await;
    assert!(found.is_ok(), "{found:?}");
    let plan = table.plan(place.as_ref(), 1);
    let taken = read(connector.as_ref(), &session, &plan, None).await;
    assert_eq!(taken.map(|taken| taken.rows.len()), Ok(2));
    assert_eq!(place.state().await, before);
    Ok(())
}

/// Tables are found with their columns in order and their keys, and a filter narrows them.
pub async fn discover_finds_tables(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let persons = NewTable::new("persons", &["id", "part", "name"], &["part", "id"]);
    let cars = NewTable::new("cars", &["plate"], &["plate"]);
    place.create(&persons, &[row(&["1", "a", "x"])]).await;
    place.create(&cars, &[]).await;
    let connector = subject.connector();
    let session = session(place.as_ref(), place.config());
    let tables = connector
        .discover(&session, &Filter::default())
        .await
        .expect("tables are discovered");
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let expected = [place.table_name("cars"), place.table_name("persons")];
    assert_eq!(names, expected, "ordered by name, and no others");
    let own = subject.features().own_columns;
    let columns = tables[1].columns.iter().map(|c| c.name.as_str());
    let columns: Vec<&str> = columns.filter(|name| !own.contains(name)).collect();
    assert_eq!(columns, ["id", "part", "name"]);
    if subject.features().keys {
        assert_eq!(tables[1].key, ["part", "id"]);
    }
    let filter = Filter {
        schema: place.schema(),
        name_contains: Some("PERSON".to_owned()),
    };
    let tables = connector
        .discover(&session, &filter)
        .await
        .expect("a filter is taken");
    assert_eq!(tables.len(), 1);
    Ok(())
}

/// A fresh place holds no table of an agency.
pub async fn discover_ignores_system_tables(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let session = session(place.as_ref(), place.config());
    let found = subject
        .connector()
        .discover(&session, &Filter::default())
        .await;
    let names = found.map(|tables| tables.into_iter().map(|t| t.name).collect::<Vec<_>>());
    assert_eq!(names, Ok(Vec::new()));
    Ok(())
}
