//! Which files say what a tree deploys.

use septet_devops::manifests::rules::{Kind, is_kubernetes, may_be, select};

const TREE: &[(&str, Option<Kind>)] = &[
    (".github/workflows/values.yaml", None),
    ("README.md", None),
    ("apps/shop/Chart.yaml", Some(Kind::Named)),
    ("apps/shop/charts/db/Chart.yaml", Some(Kind::Named)),
    ("apps/shop/charts/db/templates/stateful.yaml", None),
    ("apps/shop/charts/db/values.yaml", Some(Kind::Named)),
    ("apps/shop/env/values-prod.yml", Some(Kind::Named)),
    ("apps/shop/templates/deployment.yaml", None),
    ("apps/shop/values.schema.json", None),
    ("apps/shop/values.yaml", Some(Kind::Named)),
    ("compose.yaml", Some(Kind::Named)),
    ("composer.yaml", None),
    ("deploy/helm/shop/Chart.yaml", Some(Kind::Named)),
    ("deploy/helm/shop/templates/service.yaml", None),
    ("deploy/helm/shop/values.yaml", Some(Kind::Named)),
    ("deploy/values.yaml", Some(Kind::Kubernetes)),
    ("dev/compose.override.yml", Some(Kind::Named)),
    ("dev/docker-compose-test.yml", Some(Kind::Named)),
    ("infra/k8s/api/deployment.yaml", Some(Kind::Kubernetes)),
    ("infra/k8s/api/notes.txt", None),
    ("infra/k8sx/deployment.yaml", None),
    ("overlays/prod/patch.yml", Some(Kind::Kubernetes)),
    ("src/Chart.yaml.tmpl", None),
    ("values.yaml", None),
];

#[test]
fn paths_say_what_may_be_a_manifest() {
    let paths: Vec<&str> = TREE.iter().map(|(path, _)| *path).collect();
    let expected: Vec<_> = TREE.iter().filter_map(|(path, kind)| Some((*path, (*kind)?))).collect();
    assert_eq!(select(&paths), expected);
    // A change of any of them is noticed by its path alone.
    for (path, _) in expected {
        assert!(may_be(path), "{path}");
    }
    assert!(!may_be("src/main.rs") && !may_be("docs/api.yaml"));
}

#[test]
fn a_chart_at_the_root_covers_the_tree() {
    let paths = ["Chart.yaml", "ci/values-test.yaml", "templates/k8s/job.yaml", "values.yaml"];
    let named: Vec<&str> = select(&paths).into_iter().map(|(path, _)| path).collect();
    assert_eq!(named, ["Chart.yaml", "ci/values-test.yaml", "values.yaml"]);
}

#[test]
fn content_says_what_is_a_kubernetes_manifest() {
    assert!(is_kubernetes(b"# x\n---\napiVersion: v1\nkind: Pod\n"));
    assert!(is_kubernetes(b"items:\n  - kind: Pod\n    apiVersion: v1\r\n"));
    assert!(!is_kubernetes(b"the apiVersion: of it\n"));
    assert!(!is_kubernetes(b""));
}
