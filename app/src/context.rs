//! What a page or an action is given with the request, and how it answers besides its HTML: status, headers, notices.
//!
//! The edge calls [`provide`] from one closure, for pages and for server functions alike. Nothing else reads the context.
