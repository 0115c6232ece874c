using System.Buffers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Carries envelopes and beats over a bus. All local subscribers of a key share one bus subscription and one decoded
/// instance; handlers run on the thread pool behind bounded mailboxes. The bus is the caller's and outlives the transport.
/// Safety: the tables and mailboxes are safe by themselves; the buffer that a publish encodes into belongs to one thread
/// until the bus has taken its bytes.</summary>
public sealed class NatsTransport : ITransport
{
    private const int KeptBufferBytesMax = 256 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_buffer;

    private readonly FanOut<SyncedKey, IEnvelopeHandler, Envelope, EnvelopeMail> _keys;
    private readonly FanOut<SyncedPattern, IEnvelopeHandler, Envelope, EnvelopeMail> _patterns;
    private readonly FanOut<string, IBeatHandler, Beat, BeatMail> _beats;
    private readonly ArrivalFence _fence;
    private readonly IBus _bus;
    private readonly IEnvelopeCodec _codec;
    private readonly ISubjectMap _subjects;
    private readonly ILogger _logger;

    /// <summary>A transport without subscribers.</summary>
    /// <param name="bus">Not disposed by the transport.</param>
    /// <param name="codec">Envelopes and beats as bytes.</param>
    /// <param name="options">Null = defaults.</param>
    /// <param name="subjects">Null = <see cref="Subjects"/> with the prefixes of the options.</param>
    /// <param name="time">Clock of the time-outs; null = the system's.</param>
    /// <param name="logger">Null = nowhere.</param>
    /// <exception cref="SyncException">An option is out of range.</exception>
    public NatsTransport(
        IBus bus, IEnvelopeCodec codec, TransportOptions? options = null, ISubjectMap? subjects = null,
        TimeProvider? time = null, ILogger<NatsTransport>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(codec);
        options ??= new TransportOptions();
        options.Validate();
        time ??= TimeProvider.System;
        (_bus, _codec, _subjects) = (bus, codec, subjects ?? new Subjects(options.Subjects));
        _logger = logger ?? NullLogger<NatsTransport>.Instance;
        _fence = new(Release, options.BeatHoldMax, options.BeatMailboxMax, time);
        _keys = new(options.KeyMailboxMax, options.SubscribeTimeout, true, _fence, time, _logger, AttachKeyAsync, bus.FlushAsync);
        _patterns = new(options.PatternMailboxMax, options.SubscribeTimeout, true, _fence, time, _logger, AttachPatternAsync, bus.FlushAsync);
        _beats = new(options.BeatMailboxMax, options.SubscribeTimeout, false, null, time, _logger, AttachBeatsAsync, bus.FlushAsync);
    }

    /// <inheritdoc/>
    public long ConnectionEpoch => _bus.ConnectionEpoch;

    /// <inheritdoc/>
    public int KeyCount => _keys.Count + _patterns.Count;

    /// <inheritdoc/>
    public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        var subject = _subjects.Of(key);
        var buffer = TakeBuffer();
        _codec.Encode(envelope, buffer);
        return SendAsync(subject, buffer, TraceContext.ToHeaders(envelope.TraceParent), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(beat);
        var buffer = TakeBuffer();
        _codec.Encode(beat, buffer);
        return SendAsync(_subjects.OfBeat(beat.Feed), buffer, null, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation = default) => _bus.FlushAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default)
    {
        if (Names.Check(key) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, wrong);
        return _keys.SubscribeAsync(key, handler, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default)
    {
        if (Patterns.Check(pattern) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, wrong);
        return _patterns.SubscribeAsync(pattern, handler, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler, CancellationToken cancellation = default) =>
        _beats.SubscribeAsync(InProcessTransport.BeatsName, handler, cancellation);

    /// <summary>Ends all subscriptions; the bus stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _keys.CloseAsync().ConfigureAwait(false);
        await _patterns.CloseAsync().ConfigureAwait(false);
        await _beats.CloseAsync().ConfigureAwait(false);
        _fence.Dispose();
    }

    private ValueTask<IAsyncDisposable> AttachKeyAsync(
        SyncedKey key, Mailbox<IEnvelopeHandler, Envelope, EnvelopeMail> mailbox, CancellationToken cancellation) =>
        _bus.SubscribeAsync(
            _subjects.Of(key), new KeyReceiver(key, mailbox, _codec, _logger), cancellation: cancellation);

    private ValueTask<IAsyncDisposable> AttachPatternAsync(
        SyncedPattern pattern, Mailbox<IEnvelopeHandler, Envelope, EnvelopeMail> mailbox, CancellationToken cancellation) =>
        _bus.SubscribeAsync(
            _subjects.Of(pattern), new PatternReceiver(pattern, _subjects, mailbox, _codec, _logger), cancellation: cancellation);

    private ValueTask<IAsyncDisposable> AttachBeatsAsync(
        string name, Mailbox<IBeatHandler, Beat, BeatMail> mailbox, CancellationToken cancellation) =>
        _bus.SubscribeAsync(_subjects.Beats, new BeatReceiver(mailbox, _fence, _codec, _logger), cancellation: cancellation);

    private void Release(Beat beat) => _beats.Find(InProcessTransport.BeatsName)?.Post(beat);

    private async ValueTask SendAsync(
        string subject, ArrayBufferWriter<byte> buffer, BusHeaders? headers, CancellationToken cancellation)
    {
        await _bus.PublishAsync(subject, buffer.WrittenMemory, headers, cancellation).ConfigureAwait(false);
        TransportMetrics.Published.Add(1);
        // Not given back after an error: then it is not known whether the bus still reads it.
        if (buffer.Capacity <= KeptBufferBytesMax) s_buffer = buffer;
    }

    private static ArrayBufferWriter<byte> TakeBuffer()
    {
        var buffer = s_buffer ?? new ArrayBufferWriter<byte>(1024);
        s_buffer = null;
        buffer.ResetWrittenCount();
        return buffer;
    }
}
