/** A refusal as dockerd words it: answered as `{"message": …}` with this HTTP status. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const notFound = (message: string): DockerError => new DockerError(404, message);
export const badRequest = (message: string): DockerError => new DockerError(400, message);
export const conflict = (message: string): DockerError => new DockerError(409, message);
export const failure = (message: string): DockerError => new DockerError(500, message);
