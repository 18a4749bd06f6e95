// Completes the forms that ask for a passkey. Each names the ceremony (data-passkey: get or create) and the action that
// begins it (data-begin); the answer goes into the form, and the form is posted like any other.
const b64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

function read(kind, json) {
  const { publicKey } = JSON.parse(json);
  publicKey.challenge = bytes(publicKey.challenge);
  if (kind === "create") publicKey.user.id = bytes(publicKey.user.id);
  for (const list of [publicKey.excludeCredentials, publicKey.allowCredentials]) {
    for (const credential of list ?? []) credential.id = bytes(credential.id);
  }
  return { publicKey };
}

function write(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = b64(credential.response[name]);
  }
  const { id, type } = credential;
  return JSON.stringify({ id, rawId: b64(credential.rawId), type, response, extensions: credential.getClientExtensionResults() });
}

async function ask(form, extra) {
  const kind = form.dataset.passkey;
  const begun = await fetch(form.dataset.begin, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } });
  const offer = begun.ok && (await begun.json());
  if (!offer) throw new Error("refused");
  const credential = await navigator.credentials[kind]({ ...read(kind, offer.options), ...extra });
  form.elements.ceremony.value = offer.ceremony;
  form.elements.answer.value = write(credential);
  form.submit();
}

if (window.PublicKeyCredential) {
  for (const note of document.querySelectorAll("[data-passkey-missing]")) note.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[role=alert]");
    let filling;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.hidden = true;
      filling?.abort();
      try {
        await ask(form, {});
      } catch {
        said.textContent = form.dataset.failed;
        said.hidden = false;
      }
    });
    // Passkeys among the suggestions of the name field: only once somebody turns to it, so that looking at the page asks nothing.
    const name = document.querySelector("input[autocomplete~=webauthn]");
    name?.addEventListener("pointerdown", async () => {
      if (!(await window.PublicKeyCredential.isConditionalMediationAvailable?.())) return;
      filling = new AbortController();
      ask(form, { mediation: "conditional", signal: filling.signal }).catch(() => {});
    }, { once: true });
  }
}
