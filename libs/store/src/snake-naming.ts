import { DefaultNamingStrategy } from 'typeorm';
import { snake } from './rows/shape.js';

/** `ramMib` embedded under `floor` lies in the column `floor_ram_mib`. */
export class SnakeNaming extends DefaultNamingStrategy {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return [...prefixes.filter(Boolean), custom ?? snake(property)].join('_');
  }
}
