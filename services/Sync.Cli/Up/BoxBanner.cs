using System.Text.Json;
using Sync.Cli.Up.Sample;

namespace Sync.Cli.Up;

/// <summary>What is printed once the box is ready: what to open, what to try. Every line to try is run by a test.</summary>
internal static class BoxBanner
{
    public static string Text(BoxOptions options, string sync)
    {
        var (writer, replica, insight) =
            (BoxOptions.Url(options.WriterPort), BoxOptions.Url(options.ReplicaPort), BoxOptions.Url(options.InsightPort));
        // The default address is the commands' own.
        var call = options.WriterPort == 5080 ? sync : $"SYNC_WRITER={writer} {sync}";
        return $$"""
            Sync is up: one process, kept in memory, forgotten when it ends. Ctrl-C ends it.

            Open
              {{replica}}/   what happens now

            Services
              {{writer}}    writer: writes, reads, the past, changefeeds; /openapi/v1.json
              {{replica}}    replica host: reads, queries and streams from replicas
              {{insight}}    Insight host: a summary of each shop, in the vault {{Box.InsightVault}}

            Try, in another terminal
              curl -X PUT {{writer}}/v1/vaults/acme/user/42 -H 'Content-Type: application/json' -d '{"name":"Ada"}'
              curl {{writer}}/v1/vaults/acme/user/42
              curl {{writer}}/v1/history/acme/user/42
              {{call}} put acme user 42 '{"name":"Grace"}'
              {{call}} watch acme user 42
              curl {{replica}}/v1/vaults/{{Box.InsightVault}}/order-value
              {{call}} status
              {{call}} verify --replicas {{replica}}
              curl -N '{{replica}}/v1/stream?group={{SampleShops.Group}}'
            """;
    }

    public static void Write(Utf8JsonWriter json, BoxOptions options)
    {
        json.WriteString("page", BoxOptions.Url(options.ReplicaPort) + "/");
        json.WriteString("writer", BoxOptions.Url(options.WriterPort));
        json.WriteString("replica", BoxOptions.Url(options.ReplicaPort));
        json.WriteString("insight", BoxOptions.Url(options.InsightPort));
    }
}
