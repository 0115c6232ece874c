using System.Reflection;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.InsightHost.Engine;
using Sync.Lobby.Insights;

namespace Sync.InsightHost.Http;

/// <summary>What operators and balancers ask.</summary>
internal sealed class StatusRoutes(InsightEngine engine)
{
    private static readonly string Version =
        typeof(StatusRoutes)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public static Task HealthAsync(HttpContext context) => Readiness.AnswerAsync(context, []);

    public Task ReadyAsync(HttpContext context) => Readiness.AnswerAsync(context, engine.Health());

    public async Task StatusAsync(HttpContext context)
    {
        if (Queries.RefuseUnknown(context.Request) is { } unknown)
        {
            await unknown.AnswerAsync(context);
            return;
        }
        var groups = engine.Groups;
        var heads = await HeadsAsync(context.RequestAborted);
        await InsightRoutes.WriteAsync(context, json =>
        {
            json.WriteString("version"u8, Version);
            json.WriteStartObject("bus"u8);
            json.WriteBoolean("connected"u8, engine.IsBusConnected);
            json.WriteEndObject();
            json.WriteBoolean("settled"u8, groups.All(one => one.Runner.Status().IsIdle));
            json.WriteStartArray("groups"u8);
            foreach (var group in groups) Write(json, group, heads);
            json.WriteEndArray();
        });
    }

    // Without a writer that answers there is no lag to tell; the rest is known here.
    private async Task<Dictionary<int, long>> HeadsAsync(CancellationToken cancellation)
    {
        try
        {
            return (await engine.Writer.StatusAsync(cancellation)).Feeds.ToDictionary(feed => feed.Feed, feed => feed.Position);
        }
        catch (SyncException)
        {
            return [];
        }
    }

    private static void Write(Utf8JsonWriter json, FollowedGroup followed, Dictionary<int, long> heads)
    {
        var (group, status) = (followed.Group, followed.Runner.Status());
        json.WriteStartObject();
        json.WriteString("group"u8, group.Name);
        json.WriteStartArray("derivations"u8);
        foreach (var derivation in group.Derivations) Write(json, derivation);
        json.WriteEndArray();
        json.WriteBoolean("settled"u8, status.IsIdle);
        json.WriteNumber("shards"u8, status.Shards);
        json.WriteNumber("pending"u8, status.Pending);
        json.WriteNumber("running"u8, status.Running);
        json.WriteNumber("dead_letters"u8, status.DeadLetters);
        json.WriteString("trouble"u8, status.Trouble);
        Write(json, status.Counts);
        json.WriteStartArray("feeds"u8);
        foreach (var cursor in status.Cursors)
        {
            json.WriteStartObject();
            json.WriteNumber("feed"u8, cursor.Feed.Value);
            json.WriteNumber("history"u8, cursor.History.Value);
            json.WriteNumber("position"u8, cursor.Position.Value);
            if (heads.TryGetValue(cursor.Feed.Value, out var head)) json.WriteNumber("lag"u8, Math.Max(0, head - cursor.Position.Value));
            else json.WriteNull("lag"u8);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CrossVaultDerivation derivation)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, derivation.Name);
        json.WriteString("version"u8, derivation.Version);
        json.WriteString("collection"u8, derivation.SourceCollection);
        json.WriteString("target_vault"u8, derivation.TargetVault);
        json.WriteString("target_collection"u8, derivation.TargetCollection);
        json.WriteBoolean("auto_push"u8, derivation.AutoPush);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, InsightCounts counts)
    {
        json.WriteStartObject("counters"u8);
        json.WriteNumber("changes"u8, counts.Changes);
        json.WriteNumber("coalesced"u8, counts.Coalesced);
        json.WriteNumber("derived"u8, counts.Derived);
        json.WriteNumber("written"u8, counts.Written);
        json.WriteNumber("skipped"u8, counts.Failed);
        json.WriteNumber("retries"u8, counts.Retries);
        json.WriteNumber("redelivered"u8, counts.Redelivered);
        json.WriteNumber("compared"u8, counts.Compared);
        json.WriteNumber("follow_failures"u8, counts.FollowFailures);
        json.WriteEndObject();
    }
}
