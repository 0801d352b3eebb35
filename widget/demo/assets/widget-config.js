// What a site tells the widget, in a file of its own because the shop's policy forbids scripts in the page.
// Calls made before the widget has loaded wait in `ContactHub.q`.
window.contactHub = { site: "demo", locale: document.documentElement.lang };
window.ContactHub =
  window.ContactHub ||
  function () {
    (window.ContactHub.q = window.ContactHub.q || []).push(arguments);
  };
