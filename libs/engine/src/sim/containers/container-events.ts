import type { Engine } from '../engine.js';
import type { Container } from './container.js';

export function containerEvent(
  engine: Engine,
  container: Container,
  action: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const attributes = {
    image: container.config.Image,
    name: container.name,
    ...container.config.Labels,
    ...more,
  };
  engine.events.add('container', action, container.id, attributes);
  engine.onChange();
}
