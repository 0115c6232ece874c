using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Sync.Access;

namespace Sync.Http.Access;

/// <summary>Ends requests that go on for long (streams, batches) when their token is revoked, expires, or can no longer be
/// checked: one look at all of them each second, so that it is over within two.</summary>
/// <remarks>Safe from any thread.</remarks>
public sealed class LongRequests : IDisposable
{
    /// <summary>Between two looks.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<HttpContext, AccessIdentity> _open = new();
    private readonly AccessGuard _guard;
    private readonly ITimer? _timer;

    /// <summary>Begins to look.</summary>
    /// <param name="guard">Decides about tokens.</param>
    /// <param name="time">Paces the looks.</param>
    public LongRequests(AccessGuard guard, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentNullException.ThrowIfNull(time);
        _guard = guard;
        if (!guard.IsOpen) _timer = time.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <summary>Serves a request that was let in, and cuts its connection when its token ends.</summary>
    public async Task RunAsync(HttpContext context, AccessIdentity identity, RequestDelegate next)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(next);
        _open[context] = identity;
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            _open.TryRemove(context, out _);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        foreach (var (context, identity) in _open)
            // Whoever comes back is told why.
            if (_guard.Again(identity) != AccessState.Granted && _open.TryRemove(context, out _)) context.Abort();
    }
}
