use septet_chassis::page_size;
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_devops::v1::{GetChangeRequest, GetTreeRequest, devops_service_client::DevopsServiceClient};
use septet_proto_docs::v1::{
    self, CommitRef, Coverage, DiffApiRequest, DiffApiResponse, GetApiRequest, GetApiResponse,
    GetCoverageRequest, GetCoverageResponse, ListStalePagesRequest, ListStalePagesResponse,
    docs_service_server::DocsService,
};
use tonic::{Request, Response, Status};

use crate::{
    Docs,
    api::{Symbol, Visibility},
    compare, convert,
    error::Error,
    snapshot::{Known, Snapshot},
    store::{self, CoverageRow, MentionsFilter},
};

/// Longest text of a request, in bytes.
const MAX_TEXT: usize = 1_024;

#[tonic::async_trait]
impl DocsService for Docs {
    async fn get_api(&self, request: Request<GetApiRequest>) -> Result<Response<GetApiResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let (from, size) = (offset(&page)?, page_size(&page)?);
        let at = request.at.as_ref().ok_or_else(|| invalid("at", "is missing"))?;
        for (field, text) in
            [("path_prefix", &request.path_prefix), ("file", &request.file), ("kind", &request.kind)]
        {
            limited(field, text)?;
        }
        let snapshot = self.snapshot("at", at, &mut Known::new()).await?;
        let found: Vec<&Symbol> =
            snapshot.api.symbols.iter().filter(|symbol| matches(symbol, &request)).collect();
        let symbols: Vec<_> =
            found.iter().skip(from).take(size as usize).map(|symbol| convert::symbol(symbol)).collect();
        Ok(Response::new(GetApiResponse {
            page: Some(next(from, symbols.len(), found.len())),
            symbols,
            total: u32::try_from(found.len()).unwrap_or(u32::MAX),
            unread: convert::unread(&snapshot.unread),
        }))
    }

    async fn diff_api(&self, request: Request<DiffApiRequest>) -> Result<Response<DiffApiResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let (from, size) = (offset(&page)?, page_size(&page)?);
        let head = request.head.as_ref().ok_or_else(|| invalid("head", "is missing"))?;
        let mut known = Known::new();
        let (new, repository_id) = self.located("head", head, &mut known).await?;
        let old = match &request.base {
            Some(base) => {
                let (old, of) = self.located("base", base, &mut known).await?;
                if of != repository_id {
                    return Err(invalid("base", "is of another repository than `head`").into());
                }
                old
            }
            None if head.change_id.is_empty() => {
                return Err(invalid("base", "must be given where `head` is not a change").into());
            }
            None => {
                let request = GetTreeRequest {
                    change_id: head.change_id.clone(),
                    of_parent: true,
                    ..Default::default()
                };
                self.snapshots.of(&repository_id, request, &mut known).await?
            }
        };
        let all = self.snapshots.busy(move || compare::differences(&old.api, &new.api)).await?;
        let breaking = all.iter().filter(|of| of.breaking).count();
        let found: Vec<_> = all.iter().filter(|of| of.breaking || !request.breaking_only).collect();
        let differences: Vec<_> =
            found.iter().skip(from).take(size as usize).map(|of| convert::difference(of)).collect();
        Ok(Response::new(DiffApiResponse {
            page: Some(next(from, differences.len(), found.len())),
            differences,
            total: u32::try_from(found.len()).unwrap_or(u32::MAX),
            breaking: u32::try_from(breaking).unwrap_or(u32::MAX),
        }))
    }

    async fn list_stale_pages(
        &self,
        request: Request<ListStalePagesRequest>,
    ) -> Result<Response<ListStalePagesResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.unwrap_or_default();
        let size = page_size(&page)?;
        let filter = MentionsFilter { change_id: request.change_id, repository_id: request.repository_id };
        let mut tx = self.units.read().await.map_err(Error::from)?;
        // One more than asked for tells whether there is another page.
        let mut found =
            store::list_mentions(&mut tx, &filter, &page.page_token, size + 1).await.map_err(Error::from)?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_page_token = found.last().filter(|_| more).map_or_else(String::new, |(id, _)| id.clone());
        Ok(Response::new(ListStalePagesResponse {
            mentions: found.into_iter().map(|(_, mention)| mention).collect(),
            page: Some(PageResponse { next_page_token }),
        }))
    }

    async fn get_coverage(
        &self,
        request: Request<GetCoverageRequest>,
    ) -> Result<Response<GetCoverageResponse>, Status> {
        let request = request.into_inner();
        let page = request.page.clone().unwrap_or_default();
        let (from, size) = (offset(&page)?, page_size(&page)?);
        Ok(Response::new(self.coverage(&request, from, size).await?))
    }
}

impl Docs {
    async fn coverage(
        &self,
        request: &GetCoverageRequest,
        from: usize,
        size: u32,
    ) -> Result<GetCoverageResponse, Error> {
        let mut tx = self.units.read().await?;
        let (field, repository_id, until) = match (request.change_id.as_str(), request.repository_id.as_str())
        {
            ("", "") => return Err(invalid("change_id", "or `repository_id` must be given")),
            ("", repository_id) => ("repository_id", repository_id.to_owned(), i64::MAX),
            (change_id, "") => {
                let found =
                    store::by_change(&mut tx, change_id).await?.ok_or(Error::NotFound("change_id"))?;
                ("change_id", found.0, found.1)
            }
            _ => return Err(invalid("repository_id", "cannot be given together with `change_id`")),
        };
        let (change_id, commit) =
            store::latest_measured(&mut tx, &repository_id, until).await?.ok_or(Error::NotFound(field))?;
        let languages = store::totals(&mut tx, &change_id).await?;
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let language = i64::from(request.language);
        let mut files = store::files(&mut tx, &change_id, language, from, size + 1).await?;
        let more = files.len() > size as usize;
        files.truncate(size as usize);
        let next_page_token = if more { (from + size).to_string() } else { String::new() };
        let total = languages.iter().fold(Coverage::default(), |mut total, row| {
            total.symbols += u32::try_from(row.symbols).unwrap_or(0);
            total.documented += u32::try_from(row.documented).unwrap_or(0);
            total
        });
        Ok(GetCoverageResponse {
            change_id,
            commit,
            total: Some(total),
            languages: languages.iter().map(message).collect(),
            files: files.iter().map(message).collect(),
            page: Some(PageResponse { next_page_token }),
        })
    }

    async fn snapshot(
        &self,
        field: &'static str,
        of: &CommitRef,
        known: &mut Known,
    ) -> Result<Snapshot, Error> {
        Ok(self.located(field, of, known).await?.0)
    }

    /// The API at a commit, and the repository that it is of.
    async fn located(
        &self,
        field: &'static str,
        of: &CommitRef,
        known: &mut Known,
    ) -> Result<(Snapshot, String), Error> {
        for text in [&of.change_id, &of.repository_id, &of.commit] {
            limited(field, text)?;
        }
        let request = GetTreeRequest {
            change_id: of.change_id.clone(),
            repository_id: of.repository_id.clone(),
            commit: of.commit.clone(),
            of_parent: false,
        };
        let repository_id = match (of.change_id.is_empty(), of.repository_id.is_empty(), of.commit.is_empty())
        {
            (false, true, true) => {
                let mut client = DevopsServiceClient::new(self.devops.clone());
                let request = GetChangeRequest { change_id: of.change_id.clone(), ..Default::default() };
                client.get_change(request).await?.into_inner().change.unwrap_or_default().repository_id
            }
            (true, false, false) => of.repository_id.clone(),
            _ => return Err(invalid(field, "names neither a change nor a repository and a commit")),
        };
        let snapshot = self.snapshots.of(&repository_id, request, known).await?;
        Ok((snapshot, repository_id))
    }
}

fn matches(symbol: &Symbol, request: &GetApiRequest) -> bool {
    let language = request.language();
    (language == v1::Language::Unspecified || convert::language(symbol.language) == language)
        && (request.include_private || symbol.visibility == Visibility::Public)
        && symbol.path.starts_with(&request.path_prefix)
        && (request.file.is_empty() || symbol.file == request.file)
        && (request.kind.is_empty() || symbol.kind.name() == request.kind)
        && (!request.undocumented || (symbol.wants_docs() && symbol.docs.is_empty()))
}

fn message(row: &CoverageRow) -> Coverage {
    let number = |count| u32::try_from(count).unwrap_or(0);
    Coverage {
        language: i32::try_from(row.language).unwrap_or(0),
        file: row.file.clone(),
        symbols: number(row.symbols),
        documented: number(row.documented),
    }
}

/// Pages of what never changes at a commit go by number.
fn offset(page: &PageRequest) -> Result<usize, Error> {
    if page.page_token.is_empty() {
        return Ok(0);
    }
    page.page_token
        .parse::<u32>()
        .map(|from| from as usize)
        .map_err(|_| invalid("page.page_token", "is not one that this service gave out"))
}

fn next(from: usize, shown: usize, total: usize) -> PageResponse {
    let reached = from + shown;
    PageResponse {
        next_page_token: if shown > 0 && reached < total { reached.to_string() } else { String::new() },
    }
}

fn limited(field: &'static str, text: &str) -> Result<(), Error> {
    if text.len() > MAX_TEXT {
        Err(invalid(field, format!("is longer than {MAX_TEXT} bytes")))
    } else {
        Ok(())
    }
}

fn invalid(field: &'static str, problem: impl Into<String>) -> Error {
    Error::Invalid { field, problem: problem.into() }
}
