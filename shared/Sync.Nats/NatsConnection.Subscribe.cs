using System.Runtime.CompilerServices;
using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>Subscriptions and events.</summary>
public sealed partial class NatsConnection
{
    /// <summary>A connection is open (again): subscriptions go out in front of everything else.</summary>
    public event EventHandler<NatsEventArgs>? ConnectionOpened;

    /// <summary>The connection was lost; it is being made again.</summary>
    public event EventHandler<NatsEventArgs>? ConnectionDisconnected;

    /// <summary>A round over all servers failed.</summary>
    public event EventHandler<NatsErrorEventArgs>? ReconnectFailed;

    /// <summary>The server is about to stop; the connection moves to another one if it knows one.</summary>
    public event EventHandler<NatsEventArgs>? LameDuckModeActivated;

    /// <summary>The server reported an error, among them permission violations.</summary>
    public event EventHandler<NatsErrorEventArgs>? ServerError;

    /// <summary>A consumer fell behind its limits. Raised once until it has caught up.</summary>
    public event EventHandler<NatsSlowConsumerEventArgs>? SlowConsumer;

    /// <summary>Subscribes with a callback on the read loop: the fast path. Works while disconnected, too.</summary>
    /// <param name="subject">Subject, perhaps with wildcards.</param>
    /// <param name="handler">Called for each message; must not block.</param>
    /// <param name="queueGroup">Members of a group share the messages. Null: no group.</param>
    /// <param name="opts">Limits, or null.</param>
    /// <returns>The subscription. The server may not know it yet: see
    /// <see cref="NatsSubscription.ConfirmAsync"/>.</returns>
    /// <exception cref="NatsException">A name is not allowed, there are too many subscriptions, or the connection is
    /// closed.</exception>
    public NatsSubscription Subscribe(
        string subject, NatsMessageHandler handler, string? queueGroup = null, NatsSubOpts? opts = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        CheckSubscribe(subject, queueGroup, opts);
        var subscription = new HandlerSubscription(this, subject, queueGroup, opts, handler);
        Core.Subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>As <see cref="Subscribe"/>, and waits until the server has it: what is published afterwards, by
    /// anyone, is received.</summary>
    /// <param name="subject">Subject, perhaps with wildcards.</param>
    /// <param name="handler">Called for each message; must not block.</param>
    /// <param name="queueGroup">Queue group, or null.</param>
    /// <param name="opts">Limits, or null.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription is removed then.</param>
    /// <returns>The subscription.</returns>
    /// <exception cref="NatsException">Also when the server refuses it.</exception>
    public async ValueTask<NatsSubscription> SubscribeConfirmedAsync(
        string subject, NatsMessageHandler handler, string? queueGroup = null, NatsSubOpts? opts = null,
        CancellationToken cancellationToken = default) =>
        await ConfirmedAsync(Subscribe(subject, handler, queueGroup, opts), cancellationToken).ConfigureAwait(false);

    /// <summary>Subscribes with a bounded queue. Works while disconnected, too.</summary>
    /// <param name="subject">Subject, perhaps with wildcards.</param>
    /// <param name="queueGroup">Queue group, or null.</param>
    /// <param name="opts">Limits, or null.</param>
    /// <returns>The subscription; read it by <see cref="NatsChannelSubscription.ReadAllAsync"/>.</returns>
    /// <exception cref="NatsException">As for <see cref="Subscribe"/>.</exception>
    public NatsChannelSubscription SubscribeQueued(string subject, string? queueGroup = null, NatsSubOpts? opts = null)
    {
        CheckSubscribe(subject, queueGroup, opts);
        var subscription = new NatsChannelSubscription(this, subject, queueGroup, opts);
        Core.Subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>As <see cref="SubscribeQueued"/>, and waits until the server has it.</summary>
    /// <param name="subject">Subject, perhaps with wildcards.</param>
    /// <param name="queueGroup">Queue group, or null.</param>
    /// <param name="opts">Limits, or null.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription is removed then.</param>
    /// <returns>The subscription.</returns>
    /// <exception cref="NatsException">Also when the server refuses it.</exception>
    public async ValueTask<NatsChannelSubscription> SubscribeCoreAsync(
        string subject, string? queueGroup = null, NatsSubOpts? opts = null,
        CancellationToken cancellationToken = default) =>
        await ConfirmedAsync(SubscribeQueued(subject, queueGroup, opts), cancellationToken).ConfigureAwait(false);

    /// <summary>Subscribes when the enumeration begins and unsubscribes when it is left. Slow consumers get gap
    /// notices, see <see cref="NatsMsg.DroppedBefore"/>.</summary>
    /// <param name="subject">Subject, perhaps with wildcards.</param>
    /// <param name="queueGroup">Queue group, or null.</param>
    /// <param name="opts">Limits, or null.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <returns>The messages.</returns>
    /// <exception cref="NatsException">A name is not allowed, or the server refuses the subscription.</exception>
    public async IAsyncEnumerable<NatsMsg> SubscribeAsync(
        string subject, string? queueGroup = null, NatsSubOpts? opts = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CheckSubscribe(subject, queueGroup, opts);
        var subscription = new NatsChannelSubscription(this, subject, queueGroup, opts);
        Core.Subscriptions.Add(subscription);
        await using (subscription.ConfigureAwait(false))
        {
            await foreach (var message in subscription.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return message;
        }
    }

    internal void ReportSlowConsumer(NatsSubscription subscription)
    {
        Core.Counters.SlowConsumer();
        Core.Log.SlowConsumer(subscription.Sid, subscription.Subject);
        Core.Events.Post(() => SlowConsumer?.Invoke(this, new NatsSlowConsumerEventArgs(subscription)));
    }

    internal void RaiseOpened(NatsEventArgs args) => Core.Events.Post(() => ConnectionOpened?.Invoke(this, args));

    internal void RaiseDisconnected(NatsEventArgs args) =>
        Core.Events.Post(() => ConnectionDisconnected?.Invoke(this, args));

    internal void RaiseReconnectFailed(NatsErrorEventArgs args) =>
        Core.Events.Post(() => ReconnectFailed?.Invoke(this, args));

    internal void RaiseLameDuck(NatsEventArgs args) =>
        Core.Events.Post(() => LameDuckModeActivated?.Invoke(this, args));

    internal void RaiseServerError(NatsErrorEventArgs args) => Core.Events.Post(() => ServerError?.Invoke(this, args));

    private static async ValueTask<T> ConfirmedAsync<T>(T subscription, CancellationToken cancellationToken)
        where T : NatsSubscription
    {
        try
        {
            await subscription.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static void CheckSubscribe(string subject, string? queueGroup, NatsSubOpts? opts)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (!Subjects.IsValidSubscribe(subject))
            throw Subjects.Invalid("Subject", subject);
        if (queueGroup is not null && !Subjects.IsValidQueueGroup(queueGroup))
            throw Subjects.Invalid("Queue group", queueGroup);
        opts?.Validate();
    }
}
