# A snippet for vcl_fetch: where a node fails, what is kept is shown, as long as cutline's stale-if-error allows.
if (beresp.status >= 500 && beresp.status < 600) {
  if (stale.exists) {
    return(deliver_stale);
  }
  return(pass);
}
