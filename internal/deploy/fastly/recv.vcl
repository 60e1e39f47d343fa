# A snippet for vcl_recv: of Accept only this matters to cutline, and its Vary then keeps four copies at most.
declare local var.accept STRING;
set var.accept = "";
if (req.http.Accept ~ "(?i)(^|,)\s*image/avif\s*(,|$|;\s*q=(1|0?\.0*[1-9]))") {
  set var.accept = "image/avif,";
}
if (req.http.Accept ~ "(?i)(^|,)\s*image/webp\s*(,|$|;\s*q=(1|0?\.0*[1-9]))") {
  set var.accept = var.accept + "image/webp,";
}
if (var.accept == "") {
  unset req.http.Accept;
} else {
  set req.http.Accept = var.accept;
}
unset req.http.Cookie;
