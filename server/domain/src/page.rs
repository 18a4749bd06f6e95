//! Pages of long lists, by key and not by offset: the last page costs what the first costs.

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all under this filter; `None` where counting would cost more than the page.
    pub total: Option<u64>,
    /// Opaque; gives the page after this one.
    pub next: Option<String>,
    /// Opaque; gives the page before this one.
    pub previous: Option<String>,
}

/// Which page is wanted.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// The `next` or `previous` of another page; from outside, so unreadable ones are refused as invalid.
    pub cursor: Option<String>,
    /// Rows a page; 1–200, otherwise 50.
    pub size: Option<u32>,
}

impl PageRequest {
    /// Rows a page, within limits.
    pub fn size(&self) -> u64 {
        u64::from(self.size.filter(|size| (1..=200).contains(size)).unwrap_or(50))
    }
}
