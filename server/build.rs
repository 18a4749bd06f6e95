//! Embeds the static files: names them by their content, compresses them, and writes the table that `src/assets.rs` includes.
//!
//! Three sources: `public/` file by file, `style/` as one stylesheet in the order of `style/main.css`, and what
//! wasm-bindgen made of the islands (`target/site/pkg`, or `VESTIBULE_SITE`), if it has been built.

#[path = "build/stylesheet.rs"]
mod stylesheet;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One file as it will be served.
struct File {
    /// The name pages use, for example `main.css`.
    logical: String,
    /// The address without its hash: stem and ending, joined by the hash later.
    stem: String,
    ending: String,
    bytes: Vec<u8>,
    hash: String,
}

fn main() -> Outcome<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = manifest.parent().ok_or("the server crate stands in the workspace")?;

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=VESTIBULE_SITE");

    let mut files = public_files(&root.join("public"))?;
    files.push(stylesheet_file(&root.join("style"))?);
    files.extend(island_files(&site_folder(root)?)?);
    files.sort_by_key(File::address);

    let mut seen = BTreeSet::new();
    for file in &files {
        if !seen.insert(&file.logical) {
            return Err(format!("two static files are called {}", file.logical).into());
        }
    }
    fs::write(out.join("assets.rs"), table(&files, &out)?)?;
    Ok(())
}

impl File {
    fn new(logical: &str, bytes: Vec<u8>) -> Self {
        let (stem, ending) = logical.rsplit_once('.').unwrap_or((logical, "bin"));
        let hash = hash_of(&[&bytes]);
        Self { logical: logical.to_owned(), stem: stem.to_owned(), ending: ending.to_owned(), bytes, hash }
    }

    fn address(&self) -> String {
        let Self { stem, hash, ending, .. } = self;
        match stem.strip_suffix("_bg") {
            // Leptos asks for `<name>_bg.wasm`, where `<name>` is what it was told, hash included.
            Some(stem) => format!("/static/{stem}.{hash}_bg.{ending}"),
            None => format!("/static/{stem}.{hash}.{ending}"),
        }
    }
}

/// The first 16 hex digits of SHA-256: enough to tell versions of a file apart, short enough to read.
fn hash_of(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Names and contents of all files below `folder`, sorted; dot files are left out.
fn read_folder(folder: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        for entry in fs::read_dir(&current).map_err(|error| format!("{}: {error}", current.display()))? {
            let path = entry?.path();
            if path.file_name().and_then(OsStr::to_str).is_none_or(|name| name.starts_with('.')) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder)?.to_str().ok_or("a static file's name is not UTF-8")?;
                found.insert(name.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

fn public_files(folder: &Path) -> Outcome<Vec<File>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    Ok(read_folder(folder)?.into_iter().map(|(name, bytes)| File::new(&name, bytes)).collect())
}

fn stylesheet_file(folder: &Path) -> Outcome<File> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut sheets = BTreeMap::new();
    for (name, bytes) in read_folder(folder)? {
        if Path::new(&name).extension() == Some(OsStr::new("css")) {
            let text = String::from_utf8(bytes).map_err(|_| format!("style/{name} is not UTF-8"))?;
            sheets.insert(name, text);
        }
    }
    let bundle = stylesheet::bundle(&sheets).map_err(|fault| format!("style/{fault}"))?;
    Ok(File::new("main.css", stylesheet::minify(&bundle).into_bytes()))
}

/// The folder of the islands, made if need be: a watched path that does not exist would rebuild the server every time.
fn site_folder(root: &Path) -> Outcome<PathBuf> {
    let folder = env::var_os("VESTIBULE_SITE").map_or_else(|| root.join("target/site"), PathBuf::from).join("pkg");
    fs::create_dir_all(&folder)?;
    println!("cargo::rerun-if-changed={}", folder.display());
    Ok(folder)
}

/// The loader and its wasm file share one hash, so that a page that knows one name knows both and a new loader never
/// meets an old wasm file.
fn island_files(folder: &Path) -> Outcome<Vec<File>> {
    let found: Vec<_> = read_folder(folder)?
        .into_iter()
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|ending| ending == "js" || ending == "wasm"))
        .collect();
    let hash = hash_of(&found.iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>());
    let mut files = Vec::new();
    for (name, bytes) in found {
        if name.contains('/') {
            return Err(format!("{name}: a snippet beside the wasm loader would lose its relative address").into());
        }
        let mut file = File::new(&name, bytes);
        file.hash.clone_from(&hash);
        if file.ending == "wasm" {
            file.stem.push_str("_bg");
        }
        files.push(file);
    }
    Ok(files)
}

fn content_type(ending: &str) -> Outcome<&'static str> {
    Ok(match ending {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        other => return Err(format!("no content type is known for .{other}: name it in server/build.rs").into()),
    })
}

/// Writes the bytes beside the table and gives the table's text.
fn table(files: &[File], out: &Path) -> Outcome<String> {
    // The best compression takes seconds per file; a development build does without.
    let quality = if env::var("PROFILE")? == "release" { 11 } else { 5 };
    let mut assets = String::from("pub static ASSETS: &[Asset] = &[\n");
    let mut urls = String::from("pub static URLS: &[(&str, &str)] = &[\n");
    for (index, file) in files.iter().enumerate() {
        let address = file.address();
        let kind = content_type(&file.ending)?;
        fs::write(out.join(format!("asset{index}")), &file.bytes)?;
        let compressed = |suffix: &str, bytes: Vec<u8>| -> Outcome<String> {
            if bytes.len() >= file.bytes.len() {
                return Ok("None".to_owned());
            }
            fs::write(out.join(format!("asset{index}.{suffix}")), bytes)?;
            Ok(format!("Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/asset{index}.{suffix}\")))"))
        };
        let brotli = compressed("br", brotli_of(&file.bytes, quality)?)?;
        let gzip = compressed("gz", gzip_of(&file.bytes)?)?;
        writeln!(
            assets,
            "    Asset {{ logical: {:?}, path: {address:?}, content_type: {kind:?}, hash: {:?}, \
             identity: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/asset{index}\")), brotli: {brotli}, gzip: {gzip} }},",
            file.logical, file.hash,
        )?;
        writeln!(urls, "    ({:?}, {address:?}),", file.logical)?;
    }
    Ok(format!("{assets}];\n{urls}];\n"))
}

fn brotli_of(bytes: &[u8], quality: i32) -> Outcome<Vec<u8>> {
    let mut packed = Vec::new();
    let settings = brotli::enc::BrotliEncoderParams { quality, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &settings)?;
    Ok(packed)
}

fn gzip_of(bytes: &[u8]) -> Outcome<Vec<u8>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes)?;
    Ok(packed.finish()?)
}
