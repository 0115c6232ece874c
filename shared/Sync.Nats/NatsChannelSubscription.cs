using System.Runtime.CompilerServices;
using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>
/// A subscription whose messages wait in a bounded queue. When the consumer is too slow new messages are dropped, and
/// the consumer is told how many and where: see <see cref="NatsMsg.DroppedBefore"/>. The connection is never held up.
/// </summary>
public sealed class NatsChannelSubscription : NatsSubscription
{
    private readonly Inbox _inbox;

    internal NatsChannelSubscription(NatsConnection connection, string subject, string? queueGroup, NatsSubOpts? opts)
        : base(connection, subject, queueGroup, opts)
    {
        var defaults = connection.Opts;
        _inbox = new Inbox(
            opts?.MessagesMax ?? defaults.SubscriptionMessagesMax, opts?.BytesMax ?? defaults.SubscriptionBytesMax);
    }

    /// <summary>Messages waiting for the consumer.</summary>
    public int Waiting => _inbox.Count;

    /// <summary>Messages dropped so far because the consumer was too slow.</summary>
    public long Dropped => _inbox.Dropped;

    /// <summary>The messages in order, for one consumer at a time. Ends when the subscription has ended and its queue
    /// is empty; the subscription itself goes on when the enumeration is left early.</summary>
    /// <param name="cancellationToken">Ends the wait for the next message.</param>
    /// <returns>Messages and gap notices.</returns>
    /// <exception cref="NatsException">The server refused the subscription.</exception>
    public async IAsyncEnumerable<NatsMsg> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            while (_inbox.TryTake(out var message, out var lostOnly))
            {
                yield return lostOnly == 0
                    ? message
                    : new NatsMsg { Subject = Subject, DroppedBefore = lostOnly, IsGapNotice = true };
            }

            if (!await _inbox.WaitAsync(cancellationToken).ConfigureAwait(false))
                yield break;
        }
    }

    internal override void Deliver(in NatsMessageView message)
    {
        var result = _inbox.Add(message);
        if (result == InboxResult.Added)
            return;
        Connection.Core.Counters.Overflowed();
        if (result == InboxResult.FirstDrop)
            Connection.ReportSlowConsumer(this);
    }

    internal override void End(NatsException? reason)
    {
        _inbox.Complete(reason);
        base.End(reason);
    }

    internal override void Deny(NatsException error)
    {
        base.Deny(error);
        _inbox.Complete(error);
    }
}
