// Checksums, and the feeds of vaults. (subjects.json was written by hand.)
import { crc32 } from 'node:zlib';

const texts = ['', 'a', 'abc', '123456789', 'acme', 'pypi--django', 'žluťoučký kůň', '名前', '😀', 'x'.repeat(1000)];
const vaults = ['acme', 'pypi--django', 'pypi--flask', '_state', 'a', 'b', 'c', 'vault-1', 'vault-2', 'Z'.repeat(128)];
const keys = [['acme', 'user', '123'], ['acme', 'user', '124'], ['acme', 'user', 'é/名前'], ['pypi--django', 'advisory', 'PYSEC-1'],
  ['acme', 'user', '😀'.repeat(128)]];

export const placementFile = {
  about: 'crc: CRC-32 (IEEE) of UTF-8. feeds: CRC-32 of the vault mod the number of feeds. keys: CRC-32 of vault/collection/key, as beats name it.',
  crc: texts.map(text => ({ text, crc: crc32(text) })),
  feeds: vaults.flatMap(vault => [1, 2, 8, 1024].map(feeds => ({ vault, feeds, feed: crc32(vault) % feeds }))),
  keys: keys.map(([vault, collection, key]) => ({ vault, collection, key, crc: crc32(`${vault}/${collection}/${key}`) })),
};
