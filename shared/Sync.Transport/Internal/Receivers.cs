using System.Numerics;
using Microsoft.Extensions.Logging;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Transport.Internal;

/// <summary>From the read loop into a mailbox: one decode per message, whoever and however many listen. What cannot be read is
/// counted and reported in its place, since a message was missed there.
/// Safety: the bus calls one subscription's receiver one at a time, so the count needs no lock.</summary>
internal abstract class Receiver<THandler, TItem, TMail>(
    object name, Mailbox<THandler, TItem, TMail> mailbox, ILogger logger) : IBusReceiver
    where THandler : class
    where TItem : class
    where TMail : struct, IMail<THandler, TItem>
{
    private long _errors;

    public abstract void Receive(in BusMessage message);

    public void Disrupted(Disruption disruption) => mailbox.Post(disruption);

    protected void Take(in ParseResult<TItem> result, BusHeaders? headers)
    {
        if (result.IsOk)
        {
            Post(headers is null ? result.Value : WithHeaders(result.Value, headers));
            return;
        }
        TransportMetrics.DecodeErrors.Add(1);
        if (BitOperations.IsPow2(++_errors)) logger.Undecodable(name, result.Error, _errors);
        mailbox.Post(Disruption.Undecodable);
    }

    protected virtual void Post(TItem item) => mailbox.Post(item);

    protected virtual TItem WithHeaders(TItem item, BusHeaders headers) => item;
}

internal sealed class KeyReceiver(
    SyncedKey key, Mailbox<IEnvelopeHandler, Envelope, EnvelopeMail> mailbox, IEnvelopeCodec codec, ILogger logger)
    : Receiver<IEnvelopeHandler, Envelope, EnvelopeMail>(key, mailbox, logger)
{
    // The default codec reuses the subscribed key's strings instead of making three for each message.
    private readonly EnvelopeCodec? _reusing = codec as EnvelopeCodec;

    public override void Receive(in BusMessage message) =>
        Take(_reusing is null ? codec.Decode(message.Payload) : _reusing.Decode(message.Payload, key), message.Headers);

    protected override Envelope WithHeaders(Envelope item, BusHeaders headers) => TraceContext.Attach(item, headers);
}

internal sealed class PatternReceiver(
    SyncedPattern pattern, ISubjectMap subjects, Mailbox<IEnvelopeHandler, Envelope, EnvelopeMail> mailbox,
    IEnvelopeCodec codec, ILogger logger)
    : Receiver<IEnvelopeHandler, Envelope, EnvelopeMail>(pattern, mailbox, logger)
{
    public override void Receive(in BusMessage message)
    {
        if (subjects.Follows(pattern, message.Subject)) Take(codec.Decode(message.Payload), message.Headers);
    }

    protected override Envelope WithHeaders(Envelope item, BusHeaders headers) => TraceContext.Attach(item, headers);
}

internal sealed class BeatReceiver(
    Mailbox<IBeatHandler, Beat, BeatMail> mailbox, ArrivalFence fence, IEnvelopeCodec codec, ILogger logger)
    : Receiver<IBeatHandler, Beat, BeatMail>(InProcessTransport.BeatsName, mailbox, logger)
{
    public override void Receive(in BusMessage message) => Take(codec.DecodeBeat(message.Payload), null);

    protected override void Post(Beat item) => fence.Pass(item);
}
