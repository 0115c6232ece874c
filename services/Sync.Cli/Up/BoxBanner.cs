using System.Text.Json;

namespace Sync.Cli.Up;

/// <summary>What is printed once the box is ready: what to open, what to try. Every line to try is run by a test.</summary>
internal static class BoxBanner
{
    /// <summary>Stands before the lines that can be copied into a shell.</summary>
    public const string Indent = "  ";

    public static string Text(BoxOptions options, string sync)
    {
        var (writer, replica, insight) =
            (BoxOptions.Url(options.WriterPort), BoxOptions.Url(options.ReplicaPort), BoxOptions.Url(options.InsightPort));
        // The default address is the commands' own.
        var call = options.WriterPort == 5080 ? sync : $"SYNC_WRITER={writer} {sync}";
        return $$"""
            Sync is up: one process, kept in memory, forgotten when it ends. Ctrl-C ends it.

            Open
              {{replica}}/   what happens now: changes, feeds, replicas, summaries

            Services
              {{writer}}    writer: writes, reads, the past, changefeeds (/openapi/v1.json)
              {{replica}}    replica host: reads, queries and streams from replicas
              {{insight}}    Insight host: keeps summaries in the vault insight

            Try, in another terminal
              curl -X PUT {{writer}}/v1/vaults/acme/user/42 -H 'Content-Type: application/json' -d '{"name":"Ada"}'
              curl {{writer}}/v1/vaults/acme/user/42
              curl {{writer}}/v1/history/acme/user/42
              {{call}} put acme user 42 '{"name":"Grace"}'
              {{call}} watch acme user 42
              {{call}} status
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
