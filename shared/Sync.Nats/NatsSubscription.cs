using System.Text;
using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>
/// Interest in a subject. It survives reconnects and ends by <see cref="UnsubscribeAsync"/>, <see cref="DrainAsync"/>,
/// dispose, or after its number of messages. Safe to use from any thread.
/// </summary>
public abstract class NatsSubscription : IAsyncDisposable
{
    private readonly bool _literal;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _lastSubject = "";
    private long _received;
    private NatsException? _error;

    private protected NatsSubscription(NatsConnection connection, string subject, string? queueGroup, NatsSubOpts? opts)
    {
        Connection = connection;
        Subject = subject;
        QueueGroup = queueGroup;
        MaxMsgs = opts?.MaxMsgs ?? 0;
        _literal = Subjects.IsLiteral(subject);
    }

    /// <summary>Raised when the server refuses the subscription (permissions). It stays registered and is tried again
    /// at the next reconnect.</summary>
    public event EventHandler<NatsErrorEventArgs>? Denied;

    /// <summary>The subject, perhaps with wildcards.</summary>
    public string Subject { get; }

    /// <summary>Queue group, or null.</summary>
    public string? QueueGroup { get; }

    /// <summary>Messages received so far.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>The server's refusal on the present connection, or null.</summary>
    public NatsException? Error => Volatile.Read(ref _error);

    /// <summary>Completes when no message is handled any more, for whatever reason the subscription ended.</summary>
    public Task Ended => _ended.Task;

    internal NatsConnection Connection { get; }

    internal long Sid { get; set; }

    internal long MaxMsgs { get; }

    /// <summary>Set under the gate: the UNSUB is out (or needless), messages on their way are still handled.</summary>
    internal bool IsDraining { get; set; }

    /// <summary>Waits until the server has handled the subscription.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The epoch of the connection that holds it.</returns>
    /// <exception cref="NatsException">Refused by the server, or no connection, or it was lost meanwhile.</exception>
    public async ValueTask<long> ConfirmAsync(CancellationToken cancellationToken = default)
    {
        var epoch = await Connection.FlushAsync(cancellationToken).ConfigureAwait(false);
        return Error is { } error ? throw error : epoch;
    }

    /// <summary>Ends the subscription now. May be repeated.</summary>
    /// <returns>Completed: the UNSUB is on its way.</returns>
    public ValueTask UnsubscribeAsync()
    {
        Connection.Core.Subscriptions.Remove(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Tells the server to send no more, handles what it had sent before, then ends.</summary>
    /// <param name="cancellationToken">Ends at once.</param>
    /// <returns>Completes when the last message was handed over.</returns>
    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        Connection.Core.Subscriptions.BeginDrain(this);
        try
        {
            await Connection.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException)
        {
            // No connection any more: then nothing is on its way either.
        }
        finally
        {
            Connection.Core.Subscriptions.Remove(this);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnsubscribeAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Called on the read loop only. False: the limit was passed before, the message is not wanted.</summary>
    internal bool Count(out bool last)
    {
        var received = _received + 1;
        last = MaxMsgs > 0 && received >= MaxMsgs;
        if (MaxMsgs > 0 && received > MaxMsgs)
            return false;
        Volatile.Write(ref _received, received);
        return true;
    }

    internal abstract void Deliver(in NatsMessageView message);

    internal virtual void End(NatsException? reason) => _ended.TrySetResult();

    internal virtual void Deny(NatsException error)
    {
        Volatile.Write(ref _error, error);
        Connection.Core.Events.Post(() => Denied?.Invoke(this, new NatsErrorEventArgs(error)));
    }

    internal void ClearError() => Volatile.Write(ref _error, null);

    /// <summary>The read loop is the only writer; a copy of another thread is harmless, since strings do not
    /// change.</summary>
    internal string SubjectText(ReadOnlySpan<byte> bytes)
    {
        if (_literal)
            return Subject;
        var last = _lastSubject;
        if (Ascii.Equals(bytes, last))
            return last;
        return _lastSubject = Encoding.ASCII.GetString(bytes);
    }
}
