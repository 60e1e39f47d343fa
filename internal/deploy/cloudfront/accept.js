// A CloudFront function for viewer requests, before the cache is looked into: of Accept only this remains, so that the cache
// policy, which has Accept in its key, keeps four copies at most, and one where the address says what the answer is.
function handler(event) {
  var request = event.request;
  var header = request.headers.accept;
  var accept = !header ? '' : header.multiValue ? header.multiValue.map(function (h) { return h.value; }).join(',') : header.value;
  var kinds = [];
  if (!/^\/[ip]\/.+\.(jpg|png|webp|avif|gif|json|html)$/.test(request.uri)) {
    if (/(^|,)\s*image\/avif\s*(,|$|;\s*q=(1|0?\.0*[1-9]))/i.test(accept)) kinds.push('image/avif');
    if (/(^|,)\s*image\/webp\s*(,|$|;\s*q=(1|0?\.0*[1-9]))/i.test(accept)) kinds.push('image/webp');
  }
  request.headers.accept = { value: kinds.join(',') || 'none' };
  return request;
}
