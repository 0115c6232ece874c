using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Passes the same envelope instance to the subscribers within one process. Publishing is a look-up and one enqueue
/// per followed name; handlers run on the thread pool behind bounded mailboxes.
/// Safety: the tables of <see cref="FanOut{TName,THandler,TItem,TMail}"/> and the mailboxes are safe by themselves; this type
/// has no state of its own. One publisher's messages enter a mailbox in the order of its calls.</summary>
public sealed class InProcessTransport : ITransport
{
    private readonly FanOut<SyncedKey, IEnvelopeHandler, Envelope, EnvelopeMail> _keys;
    private readonly FanOut<SyncedPattern, IEnvelopeHandler, Envelope, EnvelopeMail> _patterns;
    private readonly FanOut<string, IBeatHandler, Beat, BeatMail> _beats;
    private readonly ArrivalFence _fence;

    /// <summary>A transport without subscribers.</summary>
    /// <param name="options">Null = defaults.</param>
    /// <param name="logger">Null = nowhere.</param>
    /// <param name="time">Clock of the time-outs; null = the system's.</param>
    /// <exception cref="SyncException">An option is out of range.</exception>
    public InProcessTransport(
        TransportOptions? options = null, ILogger<InProcessTransport>? logger = null, TimeProvider? time = null)
    {
        options ??= new TransportOptions();
        options.Validate();
        ILogger log = logger ?? NullLogger<InProcessTransport>.Instance;
        time ??= TimeProvider.System;
        _fence = new(Release, options.BeatHoldMax, options.BeatMailboxMax, time);
        _keys = new(options.KeyMailboxMax, options.SubscribeTimeout, true, _fence, time, log, null);
        _patterns = new(options.PatternMailboxMax, options.SubscribeTimeout, true, _fence, time, log, null);
        _beats = new(options.BeatMailboxMax, options.SubscribeTimeout, false, null, time, log, null);
    }

    /// <summary>Always 1: there is no connection to lose.</summary>
    public long ConnectionEpoch => 1;

    /// <inheritdoc/>
    public int KeyCount => _keys.Count + _patterns.Count;

    /// <inheritdoc/>
    public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        cancellation.ThrowIfCancellationRequested();
        Require(Names.Check(key));
        TransportMetrics.Published.Add(1);
        _keys.Find(key)?.Post(envelope);
        if (_patterns.Count > 0) PostToPatterns(key, envelope);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(beat);
        cancellation.ThrowIfCancellationRequested();
        TransportMetrics.Published.Add(1);
        if (_beats.Count > 0) _fence.Pass(beat);
        return ValueTask.CompletedTask;
    }

    /// <summary>Completes at once: every mailbox has what was published before.</summary>
    public ValueTask FlushAsync(CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default)
    {
        Require(Names.Check(key));
        return _keys.SubscribeAsync(key, handler, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default)
    {
        Require(Patterns.Check(pattern));
        return _patterns.SubscribeAsync(pattern, handler, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler, CancellationToken cancellation = default) =>
        _beats.SubscribeAsync(BeatsName, handler, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _keys.CloseAsync().ConfigureAwait(false);
        await _patterns.CloseAsync().ConfigureAwait(false);
        await _beats.CloseAsync().ConfigureAwait(false);
        _fence.Dispose();
    }

    internal const string BeatsName = "beats";

    private void Release(Beat beat) => _beats.Find(BeatsName)?.Post(beat);

    // A key is followed by at most these four shapes, so it is looked up, not searched for.
    private void PostToPatterns(SyncedKey key, Envelope envelope)
    {
        _patterns.Find(SyncedPattern.OfCollection(key.Vault, key.Collection))?.Post(envelope);
        _patterns.Find(SyncedPattern.OfVault(key.Vault))?.Post(envelope);
        if (Names.GroupOf(key.Vault) is not { } group) return;
        _patterns.Find(SyncedPattern.OfGroup(group, key.Collection))?.Post(envelope);
        _patterns.Find(SyncedPattern.OfGroup(group))?.Post(envelope);
    }

    private static void Require(string? wrong)
    {
        if (wrong is not null) throw new SyncException(SyncErrorCode.Invalid, wrong);
    }
}
