//! The HTML document around every page, and the route table: path → page.
