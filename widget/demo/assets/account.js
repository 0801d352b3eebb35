// The account page: signing in and out.
import { introduce, signedIn, signOut } from "./session.js";
import { say } from "./shop-data.js";

const outside = document.querySelector("[data-signed-out]");
const inside = document.querySelector("[data-signed-in]");
const said = document.querySelector("[data-account-said]");
const label = document.querySelector("[data-account-label]");
const bare = label.textContent;

function show(message) {
  outside.hidden = signedIn();
  inside.hidden = !signedIn();
  label.textContent = signedIn() ? say("account_of") : bare;
  said.textContent = message;
  said.hidden = message === "";
}

async function signIn() {
  try {
    const customer = await introduce();
    show(say("signed_in", { name: customer.name }));
  } catch (error) {
    console.warn("identify:", error);
    show(say("sign_in_failed"));
  }
}

document.querySelector("[data-sign-in]").addEventListener("click", async () => {
  await signIn();
  document.querySelector(signedIn() ? "[data-sign-out]" : "[data-sign-in]").focus();
});
document.querySelector("[data-sign-out]").addEventListener("click", () => {
  signOut();
  show(say("signed_out"));
  document.querySelector("[data-sign-in]").focus();
});

show("");
if (signedIn()) await signIn();
