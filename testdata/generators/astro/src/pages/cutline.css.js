// The placeholders of all pictures, for pages whose Content-Security-Policy allows no style attributes: <Cutline placeholder="sheet" />.
import { sheet } from "../cutline/cutline.mjs";
import { manifest } from "../cutline/manifest.mjs";

export const GET = () => new Response(sheet(manifest));
