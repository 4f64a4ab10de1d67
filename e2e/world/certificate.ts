/** Certificates for loopback as an authority makes them, valid or not. Source: RFC 5280 §4.1, in DER. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

export type Certificate = { readonly cert: string; readonly key: string };

export interface Authority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  /** A certificate for 127.0.0.1 and localhost, valid between these moments (epoch ms). */
  issue(notBefore: number, notAfter: number): Certificate;
}

const DAY_MS = 86_400_000;

export function makeAuthority(name: string): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const make = (
    subject: string,
    publicKey: KeyObject,
    [from, to]: readonly [number, number],
    extensions: readonly Buffer[],
  ): string => {
    const signed = sequence(
      tagged(0xa0, tagged(INTEGER, Buffer.from([2]))),
      tagged(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      nameOf(name),
      sequence(timeOf(from), timeOf(to)),
      nameOf(subject),
      publicKey.export({ type: "spki", format: "der" }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", signed, own.privateKey);
    return pem(sequence(signed, ECDSA_WITH_SHA256, bitString(signature)));
  };
  const now = Date.now();
  return {
    cert: make(name, own.publicKey, [now - DAY_MS, now + DAY_MS], [IS_AUTHORITY]),
    issue(notBefore, notAfter) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return {
        cert: make("relay.test", publicKey, [notBefore, notAfter], [FOR_LOOPBACK]),
        key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

const [INTEGER, BIT_STRING, OCTET_STRING, OBJECT_ID] = [0x02, 0x03, 0x04, 0x06];
const [UTF8_STRING, UTC_TIME, SEQUENCE, SET] = [0x0c, 0x17, 0x30, 0x31];

function tagged(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer =>
  tagged(SEQUENCE, Buffer.concat(parts));

const bitString = (content: Uint8Array): Buffer =>
  tagged(BIT_STRING, Buffer.concat([Buffer.from([0]), content]));

const objectId = (hex: string): Buffer => tagged(OBJECT_ID, Buffer.from(hex, "hex"));

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(objectId("2a8648ce3d040302"));

/** One common name, 2.5.4.3. */
const nameOf = (text: string): Buffer =>
  sequence(tagged(SET, sequence(objectId("550403"), tagged(UTF8_STRING, Buffer.from(text)))));

const timeOf = (at: number): Buffer =>
  tagged(
    UTC_TIME,
    Buffer.from(`${new Date(at).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}Z`),
  );

/** Basic constraints, 2.5.29.19: it may sign others. */
const IS_AUTHORITY = sequence(
  objectId("551d13"),
  tagged(OCTET_STRING, sequence(tagged(0x01, Buffer.from([0xff])))),
);

/** Alternative names, 2.5.29.17: an address and a host. */
const FOR_LOOPBACK = sequence(
  objectId("551d11"),
  tagged(
    OCTET_STRING,
    sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])), tagged(0x82, Buffer.from("localhost"))),
  ),
);

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
