// Deflated JSON (zlib, RFC 1950), as `autodevops/widgets/wire.py` sends it and a saved notebook keeps it, by the browser's own streams.

async function through(bytes: Uint8Array<ArrayBuffer>, by: CompressionStream | DecompressionStream): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Response(by.readable).arrayBuffer();
  const writer = by.writable.getWriter();
  // What is wrong with the bytes is told by the reading side; the writing side would only say it again.
  void writer.write(bytes).then(() => writer.close()).catch(() => undefined);
  return new Uint8Array(await out);
}

export async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate"))));
}

/** JSON, deflated, as base64: text, so that a notebook can hold it. */
export async function packed(value: unknown): Promise<string> {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(value)), new CompressionStream("deflate"));
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export function unpacked(text: string): Promise<unknown> {
  return inflated(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}
