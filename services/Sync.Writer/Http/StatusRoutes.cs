using System.Reflection;
using System.Text.Json;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.Writer.Engine;
using Sync.Writer.Json;

namespace Sync.Writer.Http;

/// <summary>What operators and balancers ask.</summary>
internal sealed class StatusRoutes(WriterEngine engine, EventStreams streams)
{
    private static readonly string Version =
        typeof(StatusRoutes)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public static Task HealthAsync(HttpContext context) => Readiness.AnswerAsync(context, []);

    public async Task ReadyAsync(HttpContext context) =>
        await Readiness.AnswerAsync(context, await engine.HealthAsync(context.RequestAborted));

    public async Task StatusAsync(HttpContext context)
    {
        if (Queries.RefuseUnknown(context.Request) is { } unknown)
        {
            await unknown.AnswerAsync(context);
            return;
        }
        var store = engine.Store;
        var feeds = await store.StatusAsync(context.RequestAborted);
        context.Response.ContentType = MediaTypes.Json;
        context.Response.Headers.CacheControl = "no-store";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter, Scalars.Options)) Write(json,
            store.Info, feeds);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private void Write(Utf8JsonWriter json, LedgerInfo info, IReadOnlyList<FeedStatus> feeds)
    {
        json.WriteStartObject();
        json.WriteString("version"u8, Version);
        json.WriteString("writer"u8, engine.Owner);
        json.WriteNumber("uptime_ms"u8, (long)engine.Uptime.TotalMilliseconds);
        json.WriteString("substrate"u8, info.Substrate);
        json.WriteNumber("history"u8, info.History.Value);
        json.WriteStartObject("bus"u8);
        json.WriteBoolean("connected"u8, engine.IsBusConnected);
        json.WriteEndObject();
        json.WriteStartArray("feeds"u8);
        foreach (var feed in feeds) Write(json, feed);
        json.WriteEndArray();
        ChangefeedStatus.Write(json, engine.Changefeed, streams);
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, FeedStatus feed)
    {
        // What is saved lags behind by up to a second; the owner itself knows better.
        var published = Math.Max(feed.Published.Value, engine.ConfirmedHere(feed.Feed).Value);
        json.WriteStartObject();
        json.WriteNumber("feed"u8, feed.Feed.Value);
        json.WriteNumber("position"u8, feed.Position.Value);
        json.WriteNumber("published"u8, published);
        json.WriteNumber("publish_lag"u8, Math.Max(0, feed.Position.Value - published));
        json.WriteNumber("floor"u8, feed.Floor.Value);
        json.WriteNumber("epoch"u8, feed.Epoch.Value);
        json.WriteString("owner"u8, feed.Owner);
        json.WriteNumber("lease_left_ms"u8, (long)feed.LeaseLeft.TotalMilliseconds);
        json.WriteBoolean("owned_here"u8, engine.Owns(feed.Feed));
        json.WriteEndObject();
    }
}
