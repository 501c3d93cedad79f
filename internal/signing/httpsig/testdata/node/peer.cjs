// Reads one JSON object a line, {op: "sign" | "verify", ...}, and writes one JSON object a line.
'use strict';
const crypto = require('node:crypto');
const readline = require('node:readline');
const { httpbis, createSigner, createVerifier } = require('http-message-signatures');

function signer(m) {
  if (m.alg !== 'rsa-pss-sha512') return createSigner(m.key, m.alg, m.keyid);
  return { // RFC 9421 section 3.3.1 fixes the salt at 64 bytes; createSigner leaves it to OpenSSL
    id: m.keyid,
    alg: m.alg,
    sign: async (data) => crypto.sign('sha512', data, { key: m.key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }),
  };
}

async function answer(m) {
  if (m.op === 'sign') {
    m.request.headers['content-digest'] = `sha-256=:${crypto.createHash('sha256').update(m.body).digest('base64')}:`;
    const signed = await httpbis.signMessage({
      key: signer(m), name: 'node', fields: m.fields,
      params: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
      paramValues: { created: new Date(m.created * 1000), expires: new Date((m.created + 60) * 1000), nonce: m.nonce, tag: 'almasu' },
    }, m.request);
    return { headers: signed.headers };
  }
  const ok = await httpbis.verifyMessage({
    keyLookup: async ({ keyid }) => (keyid === m.keyid ? { id: keyid, algs: [m.alg], verify: createVerifier(m.key, m.alg) } : null),
    requiredFields: m.fields, requiredParams: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
  }, m.request);
  return { ok };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let out;
    try { out = await answer(JSON.parse(line)); } catch (e) { out = { ok: false, error: String(e && e.message) }; }
    process.stdout.write(JSON.stringify(out) + '\n');
  }
})();
