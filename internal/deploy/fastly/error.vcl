# A snippet for vcl_error: the same where no node could be reached.
if (obj.status >= 500 && obj.status < 600 && stale.exists) {
  return(deliver_stale);
}
