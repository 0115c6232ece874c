# The Insight host's image. Build it from the repository's root: docker build -f infra/docker/InsightHost.Dockerfile .
FROM mcr.microsoft.com/dotnet/sdk:10.0.401 AS build
WORKDIR /src
# CI: the restore takes exactly the locked packages, or fails.
ENV CI=true DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY shared/ shared/
COPY services/Sync.InsightHost/ services/Sync.InsightHost/
RUN dotnet publish services/Sync.InsightHost -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0.12
WORKDIR /app
COPY --from=build /app ./
# The image's own user without rights; the root file system may be read-only.
USER $APP_UID
ENV DOTNET_EnableDiagnostics=0
EXPOSE 5100
# The image has no curl: bash opens the connection itself.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/5100 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["dotnet", "Sync.InsightHost.dll"]
