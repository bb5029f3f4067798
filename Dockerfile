# The command `ncf`, by default a member of a stream's group:
#
#   docker build -t ncf-stream .
#   docker run --rm -v "$PWD/ncf-out:/data" -p 127.0.0.1:9464:9464 -e NCF_KAFKA_BROKERS=... -e NCF_REGISTRY=/data/registry ncf-stream
#
# and, with `--entrypoint node` and `/app/gpu-worker/main.ts`, the worker on CPUs (docs/gpu-worker.md).
#
# Node 22 runs the sources as they are. /data belongs to the user 1000, who writes snapshots and reports there.
FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY bin bin
COPY src src
COPY gpu-worker gpu-worker
COPY dashboard dashboard
RUN mkdir /data && chown node:node /data
VOLUME /data
# A port that the container's own 127.0.0.1 listens on cannot be published.
ENV NCF_HOST=0.0.0.0
EXPOSE 9464
USER node
# As process 1 it takes SIGTERM itself: it commits, stores snapshots and leaves the group. Give it 30 s to (docker stop -t 30).
ENTRYPOINT ["node", "/app/bin/ncf.mjs"]
CMD ["stream"]
