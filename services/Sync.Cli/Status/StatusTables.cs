using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Sync.Cli.Status;

/// <summary>The status of each kind of service as a table.</summary>
internal static class StatusTables
{
    public static IReadOnlyList<IRenderable> Of(string name, JsonElement status) => name switch
    {
        ServiceNames.Writer => OfWriter(status),
        ServiceNames.ReplicaHost => OfReplicas(status),
        _ => OfInsight(status),
    };

    /// <summary>A member as text; '-' when it is absent or null.</summary>
    public static string Text(JsonElement parent, string name) =>
        !parent.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null ? "-" : member.ToString();

    private static IReadOnlyList<IRenderable> OfWriter(JsonElement status)
    {
        var ledger =
            $"  ledger on {Text(status, "substrate")}, history {Text(status, "history")}, "
            + (status.GetProperty("bus").GetProperty("connected").GetBoolean() ? "bus connected" : "bus NOT connected: commits go on, publishing waits");
        var table = new Table().AddColumns("feed", "position", "published", "lag", "epoch", "owner", "lease left");
        foreach (var feed in status.GetProperty("feeds").EnumerateArray())
        {
            var left = feed.GetProperty("lease_left_ms").GetInt64();
            Add(table, Text(feed, "feed"), Text(feed, "position"), Text(feed, "published"), Text(feed, "publish_lag"), Text(feed, "epoch"),
                feed.GetProperty("owner").GetString() ?? "nobody", left > 0 ? $"{left} ms" : "expired");
        }
        return [new Text(ledger), table];
    }

    private static IReadOnlyList<IRenderable> OfReplicas(JsonElement status)
    {
        var table = new Table().AddColumns("follows", "status", "records", "refused", "positions by feed");
        foreach (var scope in status.GetProperty("scopes").EnumerateArray())
        {
            var vault = scope.GetProperty("vault").GetString() ?? scope.GetProperty("group").GetString() + "--*";
            var feeds = scope.TryGetProperty("feeds", out var held) ? held.EnumerateArray() : default;
            Add(table, $"{vault}/{scope.GetProperty("collection").GetString() ?? "*"}", Text(scope, "status"), Text(scope, "records"),
                scope.TryGetProperty("skew", out var skew) ? Text(skew, "count") : "-",
                string.Join("  ", feeds.Select(feed => $"{Text(feed, "feed")}:{Text(feed, "position")}")));
        }
        return [table, new Text($"  {Text(status.GetProperty("streams"), "open")} streams open")];
    }

    private static IReadOnlyList<IRenderable> OfInsight(JsonElement status)
    {
        var table = new Table().AddColumns("group", "derivations", "shards", "pending", "dead letters", "settled", "trouble");
        foreach (var group in status.GetProperty("groups").EnumerateArray())
        {
            Add(table, Text(group, "group"), string.Join(' ', group.GetProperty("derivations").EnumerateArray().Select(one => Text(one, "name"))),
                Text(group, "shards"), Text(group, "pending"), Text(group, "dead_letters"), Text(group, "settled"), Text(group, "trouble"));
        }
        return [table];
    }

    // Names are data: no markup.
    private static void Add(Table table, params string[] cells) => table.AddRow(cells.Select(Markup.Escape).ToArray());
}
