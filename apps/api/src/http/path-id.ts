import type { PipeTransform } from '@nestjs/common';
import { looksLikeId, type IdByKind, type IdKind } from '@bellows/domain/ids';
import { nothingThere } from '@bellows/operations/views/visible';
import { Refused } from './refused.js';

/** For `@Param('id', idOf('instance'))`: a text that can be no id names nothing. */
export const idOf = <Kind extends IdKind>(
  kind: Kind,
  what: string = kind,
): PipeTransform<string, IdByKind[Kind]> => ({
  transform: (text) => {
    if (looksLikeId(kind, text)) return text as IdByKind[Kind];
    throw new Refused(nothingThere(what));
  },
});
