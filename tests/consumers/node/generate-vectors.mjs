// Makes tests/vectors/*.json. They are frozen: run it again only to add vectors, and look at every line that changes.
import { formatVectors, malformedVectors } from './vectors/format.mjs';
import { beatVectors, envelopeFile } from './vectors/envelopes.mjs';
import { jsonFile } from './vectors/json.mjs';
import { messageFile } from './vectors/messages.mjs';
import { chainFile } from './vectors/chain.mjs';
import { placementFile } from './vectors/names.mjs';
import { save } from './vector-file.mjs';

save('format.json', { about: 'Single values and their decoded form.', vectors: formatVectors });
save('malformed.json', { about: 'Bytes that no reader of values may take.', vectors: malformedVectors });
save('envelopes.json', envelopeFile);
save('beats.json', { about: 'Beats: bytes and decoded form, or an error.', vectors: beatVectors });
save('json.json', jsonFile);
save('messages.json', messageFile);
save('chain.json', chainFile);
save('placement.json', placementFile);
