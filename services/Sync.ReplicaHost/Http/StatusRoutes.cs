using System.Reflection;
using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>What operators and balancers ask.</summary>
internal sealed class StatusRoutes(
    ReplicaEngine engine, FollowedScopes scopes, EventStreams streams, StreamCounters counters, TimeProvider time)
{
    private static readonly string Version =
        typeof(StatusRoutes)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    private readonly long _started = time.GetTimestamp();

    public static Task HealthAsync(HttpContext context) => Readiness.AnswerAsync(context, []);

    public Task ReadyAsync(HttpContext context) => Readiness.AnswerAsync(context, engine.Health());

    public async Task StatusAsync(HttpContext context)
    {
        if (Queries.RefuseUnknown(context.Request) is { } unknown)
        {
            await unknown.AnswerAsync(context);
            return;
        }
        context.Response.ContentType = MediaTypes.Json;
        context.Response.Headers.CacheControl = "no-store";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter, Scalars.Options)) Write(json);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("version"u8, Version);
        json.WriteNumber("uptime_seconds"u8, (long)time.GetElapsedTime(_started).TotalSeconds);
        json.WriteStartObject("bus"u8);
        json.WriteBoolean("connected"u8, engine.IsBusConnected);
        json.WriteEndObject();
        json.WriteStartArray("scopes"u8);
        foreach (var followed in scopes.All) Write(json, followed);
        json.WriteEndArray();
        json.WriteStartObject("streams"u8);
        json.WriteNumber("open"u8, streams.Open);
        json.WriteNumber("opened"u8, counters.Opened);
        json.WriteNumber("slow_dropped"u8, streams.SlowDropped);
        json.WriteNumber("resets"u8, counters.Resets);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Followed followed)
    {
        json.WriteStartObject();
        json.WriteString("group"u8, followed.Scope.Group);
        json.WriteString("vault"u8, followed.Scope.Vault);
        json.WriteString("collection"u8, followed.Scope.Collection);
        json.WriteString("status"u8, Stand.TextOf(followed.Held?.Status ?? CollectionStatus.Loading));
        if (followed.Held is { } held)
        {
            json.WriteBoolean("current"u8, held.IsCurrent);
            json.WriteNumber("records"u8, held.Count);
            json.WriteStartArray("feeds"u8);
            foreach (var feed in held.Feeds) Stand.Write(json, feed);
            json.WriteEndArray();
            WriteCounters(json, held.Counters);
            WriteSkew(json, held);
        }
        json.WriteEndObject();
    }

    private static void WriteCounters(Utf8JsonWriter json, CollectionCounters counters)
    {
        json.WriteStartObject("counters"u8);
        json.WriteNumber("applied"u8, counters.Applied);
        json.WriteNumber("ignored_stale"u8, counters.IgnoredStale);
        json.WriteNumber("gaps"u8, counters.Gaps);
        json.WriteNumber("tail_gaps"u8, counters.TailGaps);
        json.WriteNumber("parse_errors"u8, counters.ParseErrors);
        json.WriteNumber("schema_skews"u8, counters.SchemaSkews);
        json.WriteNumber("wrong_key"u8, counters.WrongKey);
        json.WriteNumber("snapshots"u8, counters.Snapshots);
        json.WriteNumber("pages"u8, counters.Pages);
        json.WriteNumber("changes_pages"u8, counters.ChangesPages);
        json.WriteNumber("resets"u8, counters.Resets);
        json.WriteNumber("refetches"u8, counters.Refetches);
        json.WriteNumber("failures"u8, counters.Failures);
        json.WriteNumber("buffer_drops"u8, counters.BufferDrops);
        json.WriteEndObject();
    }

    private static void WriteSkew(Utf8JsonWriter json, Held held)
    {
        json.WriteStartObject("skew"u8);
        json.WriteNumber("count"u8, held.RefusedCount);
        json.WriteStartArray("keys"u8);
        foreach (var refused in held.Refused())
        {
            json.WriteStartObject();
            Scalars.WriteKey(json, refused.Key);
            json.WriteNumber("sequence"u8, refused.Sequence.Value);
            json.WriteNumber("position"u8, refused.Position.Value);
            json.WriteString("reason"u8, refused.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
