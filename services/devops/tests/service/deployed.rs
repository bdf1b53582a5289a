//! What events say of what a change deploys, and of what its repository asks for.

use std::collections::BTreeMap;

use septet_proto_devops::v1::{ChangePushed, RepositoryFile, RepositorySettings};
use septet_testkit::{on_both_stores, service::Bed};

use crate::{bed::start, fixture::Repo, release::imported};

/// The files by path, each as git has it.
fn contents(repo: &Repo, revision: &str, files: &[RepositoryFile]) -> Vec<String> {
    for file in files {
        let at = format!("{revision}:{}", file.path);
        assert_eq!(file.content, repo.git(&["show", &at]), "{at}");
        assert_eq!(file.blob, repo.text(&["rev-parse", &at]));
    }
    files.iter().map(|file| file.path.clone()).collect()
}

async fn events_of(bed: &Bed, repo: &Repo) -> BTreeMap<String, ChangePushed> {
    let running = start(bed).await;
    imported(&running, repo).await;
    let published = running.published().await;
    published.into_iter().map(|(_, event)| (event.change.clone().unwrap().subject, event)).collect()
}

async fn events_carry_what_is_deployed(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("README.md", "x\n");
    repo.commit("Nothing deployed");
    repo.write("chart/Chart.yaml", "name: shop\n");
    repo.write("chart/values.yaml", "replicas: 1\n");
    repo.write("chart/templates/x.yaml", "apiVersion: v1\n");
    repo.write("k8s/pod.yaml", "apiVersion: v1\nkind: Pod\n");
    repo.write("k8s/other.yaml", "kind: nothing\n");
    repo.write(".septet.toml", "[release]\nflags = [\"checkout\"]\n");
    repo.commit("All of it");
    repo.write("README.md", "y\n");
    repo.commit("Beside it");
    repo.write("chart/values.yaml", "replicas: 2\n");
    repo.write("chart/templates/x.yaml", "apiVersion: v2\n");
    repo.commit("Scaled");
    repo.write("chart/templates/x.yaml", "apiVersion: v3\n");
    repo.commit("Template");
    repo.git(&["mv", "chart", "charts"]);
    repo.remove("k8s/pod.yaml");
    repo.remove(".septet.toml");
    repo.commit("Moved");
    let events = events_of(&bed, &repo).await;
    let all = ["chart/Chart.yaml", "chart/values.yaml", "k8s/pod.yaml"];
    let moved = ["charts/Chart.yaml", "charts/values.yaml"];
    let flags = RepositorySettings { flags: vec!["checkout".to_owned()], ..Default::default() };
    for (subject, revision, after, before, unchanged) in [
        ("Nothing deployed", "HEAD~5", &[][..], &[][..], false),
        ("All of it", "HEAD~4", &all[..], &[][..], false),
        ("Beside it", "HEAD~3", &all, &[], true),
        ("Scaled", "HEAD~2", &all, &all, false),
        ("Template", "HEAD~1", &all, &[], true),
        ("Moved", "HEAD", &moved, &all, false),
    ] {
        let event = &events[subject];
        assert_eq!(contents(&repo, revision, &event.manifests), after, "{subject}");
        assert_eq!(contents(&repo, &format!("{revision}~1"), &event.parent_manifests), before, "{subject}");
        assert_eq!((event.manifests_unchanged, event.manifests_left_out), (unchanged, 0), "{subject}");
        let settings = if after.len() == 3 { flags.clone() } else { RepositorySettings::default() };
        assert_eq!(event.settings, Some(settings), "{subject}");
    }
}

async fn what_does_not_fit_is_counted(bed: Bed) {
    let mut repo = Repo::new();
    let values = |kib: usize| "v".repeat(kib << 10);
    repo.write("a/compose.yaml", values(100));
    repo.write("b/compose.yaml", values(100));
    repo.write("c/compose.yaml", values(100));
    repo.write("d/compose.yaml", values(300));
    repo.write("e/compose.yaml", values(1));
    repo.commit("Large");
    repo.write("b/compose.yaml", values(101));
    repo.write("c/compose.yaml", values(40));
    repo.commit("Larger");
    let events = events_of(&bed, &repo).await;
    let event = &events["Large"];
    assert_eq!(
        contents(&repo, "HEAD~1", &event.manifests),
        ["a/compose.yaml", "b/compose.yaml", "e/compose.yaml"]
    );
    assert_eq!(event.manifests_left_out, 2);
    // Both versions of a file, or none of them.
    let event = &events["Larger"];
    let both = ["a/compose.yaml", "e/compose.yaml"];
    assert_eq!(contents(&repo, "HEAD", &event.manifests), both);
    assert_eq!(contents(&repo, "HEAD~1", &event.parent_manifests), both);
    assert_eq!(event.manifests_left_out, 3);
}

async fn branches_and_merges_are_told_against_the_first_parent(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("compose.yaml", "a: 1\n");
    repo.commit("Base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("compose.yaml", "a: 2\n");
    repo.commit("Side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("README.md", "x\n");
    repo.commit("Main");
    repo.tick();
    repo.git(&["merge", "-q", "--no-ff", "-m", "Merge", "side"]);
    repo.write("src", "x\n");
    repo.commit("After");
    let events = events_of(&bed, &repo).await;
    for (subject, now, then, unchanged) in [
        ("Side", "a: 2\n", Some("a: 1\n"), false),
        ("Main", "a: 1\n", None, true),
        ("Merge", "a: 2\n", Some("a: 1\n"), false),
        ("After", "a: 2\n", None, true),
    ] {
        let event = &events[subject];
        assert_eq!(event.manifests[0].content, now, "{subject}");
        let parent = event.parent_manifests.first().map(|file| file.content.clone());
        assert_eq!(parent.as_deref(), then.map(str::as_bytes), "{subject}");
        assert_eq!(event.manifests_unchanged, unchanged, "{subject}");
    }
}

on_both_stores!(
    events_carry_what_is_deployed,
    what_does_not_fit_is_counted,
    branches_and_merges_are_told_against_the_first_parent,
);
