using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>Who follows what: one route (mailbox and bus subscription) per followed name, made for the first handler and
/// torn down with the last.
/// <para>Safety: the lock orders joining and leaving, and a route is in the table exactly while somebody holds it. When the
/// last leaves as another joins, either the other came first and the route stays, or the route is out of the table
/// and the other makes a new one with a bus subscription of its own. The old one has no handlers any more, so nothing is
/// delivered twice; the new one is confirmed before its subscriber returns, so nothing is lost. The lock is never held
/// over a call of the bus or a handler. Publishers in the same process look the table up without the lock: who finds the
/// old route published before the new subscription.</para></summary>
internal sealed class FanOut<TName, THandler, TItem, TMail>(
    int itemsMax,
    TimeSpan attachTimeout,
    bool isCounted,
    ArrivalFence? fence,
    TimeProvider time,
    ILogger logger,
    Func<TName, Mailbox<THandler, TItem, TMail>, CancellationToken, ValueTask<IAsyncDisposable>>? attach,
    Func<CancellationToken, ValueTask>? flush = null)
    where TName : notnull
    where THandler : class
    where TItem : class
    where TMail : struct, IMail<THandler, TItem>
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<TName, Route> _routes = new();
    private int _count;
    private bool _closed;

    /// <summary>Followed names.</summary>
    public int Count => Volatile.Read(ref _count);

    public Mailbox<THandler, TItem, TMail>? Find(TName name) =>
        _routes.TryGetValue(name, out var route) ? route.Mailbox : null;

    public async ValueTask<IAsyncDisposable> SubscribeAsync(TName name, THandler handler, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(handler);
        cancellation.ThrowIfCancellationRequested();
        Route? route;
        Member<THandler> member;
        var isNew = false;
        lock (_gate)
        {
            if (_closed) throw new SyncException(SyncErrorCode.Stopped, "the transport is disposed");
            if (!_routes.TryGetValue(name, out route))
            {
                route = new Route(new(name, itemsMax, fence, logger));
                Put(name, route);
                isNew = true;
            }
            member = route.Mailbox.Join(handler);
        }
        // What a new route receives was published behind its subscription: it is the first handler's from the start.
        if (isNew) route.Mailbox.Begin(member);
        // Not awaited here: the attempt belongs to all who wait for it, and one of them may give up.
        if (isNew) _ = AttachAsync(name, route);
        try
        {
            await route.Attached.Task.WaitAsync(cancellation).ConfigureAwait(false);
            if (!isNew) await BeginAsync(route, member, cancellation).ConfigureAwait(false);
        }
        catch
        {
            await LeaveAsync(name, route, member).ConfigureAwait(false);
            throw;
        }
        return new Subscription(() => LeaveAsync(name, route, member));
    }

    /// <summary>Tears everything down; later subscriptions are refused.</summary>
    public async ValueTask CloseAsync()
    {
        List<KeyValuePair<TName, Route>> open;
        lock (_gate)
        {
            _closed = true;
            open = [.. _routes];
            foreach (var (name, route) in open) TakeOut(name, route);
        }
        foreach (var (name, route) in open)
        {
            route.Mailbox.Close();
            await DetachAsync(name, route).ConfigureAwait(false);
        }
    }

    private async Task AttachAsync(TName name, Route route)
    {
        if (attach is null)
        {
            route.Attached.SetResult(null);
            return;
        }
        using var limit = new CancellationTokenSource(attachTimeout, time);
        try
        {
            var subscription = await attach(name, route.Mailbox, limit.Token).ConfigureAwait(false);
            TransportMetrics.BusSubscriptions.Add(1);
            route.Attached.SetResult(subscription);
        }
        catch (Exception exception)
        {
            // Out of the table first: whoever comes now starts a new attempt instead of inheriting this failure.
            lock (_gate) TakeOut(name, route);
            route.Attached.SetException(exception is OperationCanceledException
                ? new SyncException(
                    SyncErrorCode.BusUnavailable, $"the subscription of {name} was not confirmed within {attachTimeout}", true, exception)
                : exception);
        }
    }

    // Whoever joins a subscription that is there may find messages on their way that were published before: a round trip
    // brings them in first. Without a connection there is nothing on its way, and its return is told to every handler.
    private async ValueTask BeginAsync(Route route, Member<THandler> member, CancellationToken cancellation)
    {
        try
        {
            if (flush is not null && member.From == Member<THandler>.NotYet) await flush(cancellation).ConfigureAwait(false);
        }
        catch (SyncException exception) when (exception.Code == SyncErrorCode.BusUnavailable)
        {
            logger.JoinedUnconfirmed(exception);
        }
        route.Mailbox.Begin(member);
    }

    private async ValueTask LeaveAsync(TName name, Route route, Member<THandler> member)
    {
        bool isLast;
        lock (_gate)
        {
            isLast = route.Mailbox.Leave(member);
            if (isLast) TakeOut(name, route);
        }
        if (isLast) await DetachAsync(name, route).ConfigureAwait(false);
    }

    private ValueTask DetachAsync(TName name, Route route)
    {
        if (attach is null || !route.TryDetach()) return ValueTask.CompletedTask;
        var detaching = EndAsync(name, route);
        // An attempt under way ends by itself within its limit; whoever leaves does not wait for it.
        return route.Attached.Task.IsCompleted ? detaching : ValueTask.CompletedTask;
    }

    private async ValueTask EndAsync(TName name, Route route)
    {
        try
        {
            if (await route.Attached.Task.ConfigureAwait(false) is not { } subscription) return;
            TransportMetrics.BusSubscriptions.Add(-1);
            await subscription.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Nobody is left to be told; the bus forgets the subscription with the connection.
            if (route.Attached.Task.IsCompletedSuccessfully) logger.DetachFailed(name, exception);
        }
    }

    private void Put(TName name, Route route)
    {
        _routes[name] = route;
        _count++;
        if (isCounted) TransportMetrics.Keys.Add(1);
    }

    private void TakeOut(TName name, Route route)
    {
        if (!_routes.TryRemove(new KeyValuePair<TName, Route>(name, route))) return;
        _count--;
        if (isCounted) TransportMetrics.Keys.Add(-1);
    }

    private sealed class Route(Mailbox<THandler, TItem, TMail> mailbox)
    {
        private int _detached;

        public Mailbox<THandler, TItem, TMail> Mailbox => mailbox;

        /// <summary>The bus subscription, once confirmed; null where there is none.</summary>
        public TaskCompletionSource<IAsyncDisposable?> Attached { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool TryDetach() => Interlocked.Exchange(ref _detached, 1) == 0;
    }

    private sealed class Subscription(Func<ValueTask> leave) : IAsyncDisposable
    {
        private Func<ValueTask>? _leave = leave;

        public ValueTask DisposeAsync() => Interlocked.Exchange(ref _leave, null)?.Invoke() ?? ValueTask.CompletedTask;
    }
}
