import type { DockerCertificate } from '@bellows/operations/instance/docker-certificate';
import type { EpochMs } from '@bellows/operations/ports/rows';
import { IntegerField } from '../http/fields.js';
import { timeOf } from '../http/times.js';
import { Str, Time } from '../http/view-fields.js';

export class DockerCertificateBody {
  @IntegerField({ min: 5, max: 1440, optional: true, description: 'How long it is good for; default 720.' })
  ttlMinutes?: number;
}

export class DockerCertificateView {
  @Str({ description: 'PEM; ca.pem of DOCKER_CERT_PATH: who signs for the port.' })
  ca!: string;
  @Str({ description: 'PEM; cert.pem. It names the instance and the token.' })
  certificate!: string;
  @Str({ description: 'PEM; key.pem. Shown this once.' })
  key!: string;
  @Str({ example: 'tcp://127.0.0.1:2376', description: 'DOCKER_HOST, with DOCKER_TLS_VERIFY=1.' })
  endpoint!: string;
  @Time({ description: "Never later than the token's." })
  expiresAt!: string;
}

export const dockerCertificateView = (
  { ca, certificate, key, expiresAt }: DockerCertificate & { expiresAt: EpochMs },
  endpoint: string,
): DockerCertificateView => ({ ca, certificate, key, endpoint, expiresAt: timeOf(expiresAt) });
