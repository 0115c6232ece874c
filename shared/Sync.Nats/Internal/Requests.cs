using System.Buffers.Text;
using System.Globalization;

namespace Sync.Nats.Internal;

/// <summary>
/// Requests in flight, all on one wildcard inbox: the last token of the reply subject is the request's number.
/// Bounded by RequestsMax. Safe because the dictionary is touched under its lock only; a reply whose number is not
/// there (answered, timed out) is ignored.
/// </summary>
internal sealed class Requests(string inbox, int requestsMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, TaskCompletionSource<NatsMsg>> _inFlight = [];
    private long _next;

    /// <summary>Subject of the subscription that takes all replies.</summary>
    public string Wildcard { get; } = inbox + ".*";

    public int Count
    {
        get { lock (_gate) return _inFlight.Count; }
    }

    public (long Number, string ReplyTo, Task<NatsMsg> Reply) Begin()
    {
        var reply = new TaskCompletionSource<NatsMsg>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_inFlight.Count >= requestsMax)
                throw new NatsException(NatsError.LimitReached,
                    $"There are {_inFlight.Count} requests in flight already");
            var number = ++_next;
            _inFlight.Add(number, reply);
            return (number, string.Create(CultureInfo.InvariantCulture, $"{inbox}.{number}"), reply.Task);
        }
    }

    public void End(long number)
    {
        lock (_gate)
            _inFlight.Remove(number);
    }

    /// <summary>A reply on the read loop.</summary>
    public void OnReply(in NatsMessageView message)
    {
        var token = message.SubjectBytes[(inbox.Length + 1)..];
        if (!Utf8Parser.TryParse(token, out long number, out var used) || used != token.Length)
            return;
        TaskCompletionSource<NatsMsg>? reply;
        lock (_gate)
            _inFlight.Remove(number, out reply);
        if (reply is null)
            return;
        if (message.Payload.IsEmpty && message.Headers.Status == 503)
            reply.TrySetException(new NatsException(NatsError.NoResponders, "Nobody answers requests on this subject"));
        else
            reply.TrySetResult(message.ToReply());
    }

    /// <summary>The connection is gone: a reply to what it carried would be lost, or is late; the callers learn it
    /// now.</summary>
    public void FailAll(NatsException error)
    {
        TaskCompletionSource<NatsMsg>[] all;
        lock (_gate)
        {
            all = [.. _inFlight.Values];
            _inFlight.Clear();
        }

        foreach (var reply in all)
        {
            if (reply.TrySetException(error))
                _ = reply.Task.Exception;
        }
    }
}
