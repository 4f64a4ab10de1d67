import { expect, test } from "vitest";
import { concat, utf8, type Bytes } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { enc, u16, u64 } from "#protocol/encoding.ts";
import { parseId, uuidToBytes, type AgentId, type UserId } from "#protocol/ids.ts";
import { SEALED_REMARK_BYTES } from "#protocol/limits.ts";
import { openContactRemark, sealContactRemark } from "./contact-remark.ts";
import { LABEL } from "./labels.ts";
import { createPrimitives } from "./primitives.ts";

const id = <Id>(last: string) => parseId(`00000000-0000-7000-8000-0000000000${last}`) as Id;
const p = await createPrimitives({ random: createSeededRandom(60) });
const owner = {
  accountId: id<UserId>("01"),
  contactId: id<AgentId>("a1"),
  identitySeed: new Secret(p.randomBytes(32)),
};

test("[C64] a remark opens for its contact and its person, and for nobody else", () => {
  const sealed = sealContactRemark(p, owner, { name: "Kitchen bot", revision: 7 });

  expect(openContactRemark(p, owner, sealed)).toEqual({ name: "Kitchen bot", revision: 7 });
  for (const other of [
    { ...owner, contactId: id<AgentId>("a2") },
    { ...owner, accountId: id<UserId>("02") },
    { ...owner, identitySeed: new Secret(p.randomBytes(32)) },
  ])
    expect(openContactRemark(p, other, sealed)).toBeNull();
});

test("[C64] the longest remark, the shortest and one that was taken back are of one size", () => {
  for (const name of ["", "A", "𠮷".repeat(64)]) {
    const sealed = sealContactRemark(p, owner, { name, revision: 1 });

    expect(sealed).toHaveLength(SEALED_REMARK_BYTES);
    expect(openContactRemark(p, owner, sealed)).toEqual({ name, revision: 1 });
  }
});

test("[C64] what is sealed by the right key but is no remark does not open", () => {
  const room = (text: Bytes): Bytes => {
    const bytes = new Uint8Array(256);
    bytes.set(text);
    return bytes;
  };
  const seal = (plain: Bytes): Bytes => {
    const account = uuidToBytes(owner.accountId);
    const prk = p.hkdfExtract(account, owner.identitySeed.reveal());
    const key = p.hkdfExpand(prk, enc(LABEL.contactRemarkKey, account), 32);
    const nonce = p.randomBytes(24);
    const aad = enc(LABEL.contactRemark, account, uuidToBytes(owner.contactId));
    return concat(nonce, p.xchachaSeal(key, nonce, aad, plain));
  };
  const open = (plain: Bytes) => openContactRemark(p, owner, seal(plain));
  const zero = new Uint8Array(8);

  expect(open(concat(u64(1), u16(2), room(utf8("Al"))))).toEqual({ name: "Al", revision: 1 });
  expect(open(concat(u64(1), u16(1), room(utf8("Al"))))).toBeNull();
  expect(open(concat(u64(1), u16(257), room(utf8("Al"))))).toBeNull();
  expect(open(concat(u64(1), u16(1), room(Uint8Array.of(0xff))))).toBeNull();
  expect(open(concat(zero, u16(2), room(utf8("Al"))))).toBeNull();
  expect(open(concat(zero.fill(0xff), u16(2), room(utf8("Al"))))).toBeNull();
  expect(open(concat(u64(1), u16(2), utf8("Al")))).toBeNull();
});
