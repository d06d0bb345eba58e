# The image that docker/build.sh fills: root/ belongs to root, owned/ to the program.
FROM scratch
COPY root/ /
# The directories that the program may write to: its state, and what `meridian demo` writes.
COPY --chown=65532:65532 owned/ /
# A number, since there is no /etc/passwd, and since Kubernetes' `runAsNonRoot` cannot judge a name.
USER 65532:65532
# Inside a container loopback reaches no client.
ENV MERIDIAN_DEMO_DNS=0.0.0.0:5300
VOLUME ["/var/lib/meridian"]
EXPOSE 53/udp 53/tcp 8053/tcp
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/meridian", "health"]
ENTRYPOINT ["/meridian"]
CMD ["serve", "--config", "/etc/meridian"]
