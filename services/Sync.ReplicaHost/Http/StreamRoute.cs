using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.ReplicaHost.Engine;

namespace Sync.ReplicaHost.Http;

/// <summary>The route of streams: what is held of a scope, then its changes.</summary>
internal sealed class StreamRoute(
    FollowedScopes scopes, EventStreams streams, StreamCounters counters, TimeProvider time)
{
    public async Task GetAsync(HttpContext context)
    {
        var request = context.Request;
        var wanted = new SyncedPattern(
            Queries.Text(request, "group"), Queries.Text(request, "vault"), Queries.Text(request, "collection"));
        var problem = Queries.RefuseUnknown(request, "vault", "group", "collection", StreamTickets.Parameter);
        if (wanted.Vault is null == wanted.Group is null) problem ??= Problems.Unaddressed;
        if (Scopes.Check(wanted) is { } wrong) problem ??= RecordProblems.InvalidName(wrong);
        var followed = scopes.Find(wanted);
        if (followed is null) problem ??= Problems.NotFollowed(wanted.ToString());
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        // One deadline is enough, and it is the stream's.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        await streams.RunAsync(context, new StreamItems(followed!, wanted, counters, time).RunAsync());
    }
}

/// <summary>Counts what streams went through since the start. Interlocked.</summary>
internal sealed class StreamCounters
{
    private long _opened;
    private long _resets;

    public long Opened => Interlocked.Read(ref _opened);

    public long Resets => Interlocked.Read(ref _resets);

    public void Open() => Interlocked.Increment(ref _opened);

    public void Reset() => Interlocked.Increment(ref _resets);
}
