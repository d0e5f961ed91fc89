// The form that makes the first superuser, for whoever opens the link with the token: `#/setup/TOKEN`.

const PREFIX = "#/setup/";
const element = (id) => document.getElementById(id);

function token() {
  return location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : "";
}

function showForm() {
  element("setup").hidden = token() === "";
}

async function submit(event) {
  event.preventDefault();
  element("submit").disabled = true;
  element("failure").textContent = "";
  try {
    const answer = await ask();
    const body = await answer.json();
    if (answer.ok) showDone(body.record.email);
    else element("failure").textContent = sentences(body);
  } catch {
    element("failure").textContent = "The gateway does not answer. Is it still running?";
  }
  element("submit").disabled = false;
}

function ask() {
  const superuser = {
    token: token(),
    email: element("email").value,
    password: element("password").value,
    passwordConfirm: element("confirmation").value,
  };
  // There wherever the page is: at `/_/` and at `/_gateway/`.
  return fetch("../_gateway/api/gateway/setup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(superuser),
  });
}

// What is wrong on the whole, and what with each field.
function sentences({ message, data }) {
  const names = { email: "E-mail address", password: "Password", passwordConfirm: "Password, once more" };
  const fields = Object.entries(data ?? {}).map(([field, error]) => `${names[field] ?? field}: ${error.message}`);
  return [message, ...fields].join(" ");
}

function showDone(email) {
  element("superuser").textContent = email;
  element("address").textContent = location.origin;
  element("setup").hidden = true;
  element("done").hidden = false;
  // The token is worth nothing any more.
  history.replaceState(null, "", location.pathname);
}

element("form").addEventListener("submit", submit);
addEventListener("hashchange", showForm);
showForm();
