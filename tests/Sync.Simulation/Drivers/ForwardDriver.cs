using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>Sends on what reached a writer that does not own the feed, as the production shell does: one request at a time,
/// repeated under the same idempotency key when it had no answer, until an owner answers or the time is over. A request may
/// come as late as it likes, at whoever serves the feed by then.</summary>
internal sealed class ForwardDriver(NodeDriver node)
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan OwnerTimeout = TimeSpan.FromMilliseconds(1200);
    private static readonly Refusal NoOwner = new(RefusalCode.NoOwner, "no owner in time");
    private static readonly Refusal ShuttingDown = new(RefusalCode.ShuttingDown, "the writer is stopping");
    private readonly World _world = node.World;

    public void Take(FeedId feed, SimRequest request)
    {
        _world.Coverage.Add("write forwarded");
        Send(new Forward(feed, request, _world.Schedule.Now + OwnerTimeout));
    }

    private void Send(Forward forward)
    {
        if (!node.Link.IsUp)
        {
            forward.LastRefusal = NoOwner;
            Again(forward);
            return;
        }
        var parent = forward.Request.Attempt;
        var attempt = _world.Writes.Try(parent.Write, parent.Call, parent);
        if (node.Owns(forward.Feed)) node.Serve(forward.Feed, RequestOf(forward, attempt, node));
        else if (node.Link.Arrives) _world.Schedule.After(Way(), () => Deliver(forward, attempt));
        node.After(AttemptTimeout, () => Heard(forward, attempt, null));
    }

    // At the broker, which hands it to one of those that serve the feed now.
    private void Deliver(Forward forward, Attempt attempt)
    {
        // Whatever was sent before a restore ends with the processes and connections of that time.
        if (attempt.History != _world.Store.Ledger.Info.History) return;
        if (_world.Server(forward.Feed, node.Random) is { } owner)
            _world.Schedule.After(Latency(), () => owner.Enter(
                () => owner.Serve(forward.Feed, RequestOf(forward, attempt, owner))));
        else
            node.After(Latency(), () => Heard(forward, attempt, forward.Request.AnswerOf(new WriteResult.Refused(NoOwner))));
    }

    private SimRequest RequestOf(Forward forward, Attempt attempt, NodeDriver owner) =>
        SimRequest.Of(attempt, _world.Schedule.Now + owner.Options.WriteTimeout, completion =>
        {
            var isHere = owner == node;
            if (!isHere && (!owner.Link.Arrives || _world.IsStruck(FaultKinds.ClientLost, node.Random))) return;
            node.After(isHere ? TimeSpan.Zero : Latency(), () => Heard(forward, attempt, completion));
        });

    // No answer within the time of an attempt: null.
    private void Heard(Forward forward, Attempt attempt, WriteCompletion? answer)
    {
        if (attempt.IsOver) return;
        attempt.IsOver = true;
        var (result, line) = answer is { } given ? SimRequest.ResultOf(given) : (new WriteResult.Unknown("no answer"), 0);
        switch (result)
        {
            case WriteResult.Refused { Refusal: { Code: RefusalCode.NoOwner or RefusalCode.ShuttingDown } notMe }:
                forward.LastRefusal = notMe with { Code = RefusalCode.NoOwner };
                Again(forward);
                break;
            case WriteResult.Unknown:
                forward.HasOpenAttempt = true;
                if (attempt.Write.IsRepeatable) Again(forward);
                else Complete(forward, result);
                break;
            case WriteResult.Refused { Refusal: var refusal }:
                Refuse(forward, refusal, line);
                break;
            default:
                Complete(forward, result, answer);
                break;
        }
    }

    private void Refuse(Forward forward, Refusal refusal, int line)
    {
        var isOpen = forward.HasOpenAttempt && !_world.ModelFaults.ForwarderForgetsOpenAttempts;
        var told = refusal.ToResult(forward.Request.Attempt.Write.Commands[line], isOpen);
        if (isOpen)
            _world.Coverage.Add(told is WriteResult.Unknown
                ? "forwarded repeat refused, told unknown" : "forwarded repeat refused, told refused");
        Complete(forward, told);
    }

    private void Again(Forward forward)
    {
        if (node.IsStopped) GiveUp(forward, ShuttingDown);
        else if (_world.Schedule.Now >= forward.Deadline) GiveUp(forward, forward.LastRefusal ?? NoOwner);
        else
        {
            _world.Coverage.Add("forwarded write repeated");
            node.After(node.Random.Between(10, 100), () => Send(forward));
        }
    }

    private void GiveUp(Forward forward, Refusal refusal) => Complete(forward,
        forward.HasOpenAttempt ? new WriteResult.Unknown("lost on the way") : new WriteResult.Refused(refusal));

    private void Complete(Forward forward, WriteResult result, WriteCompletion? answer = null) => node.Answer(
        answer is { } owners ? owners with { Request = forward.Request } : forward.Request.AnswerOf(result), isOwner: false);

    private TimeSpan Way() => _world.IsStruck(FaultKinds.Delay, node.Random) ? node.Random.Between(20, 1500) : Latency();

    private TimeSpan Latency() => node.Random.Between(0.1, 2);

    private sealed class Forward(FeedId feed, SimRequest request, TimeSpan deadline)
    {
        public FeedId Feed => feed;
        public SimRequest Request => request;
        public TimeSpan Deadline => deadline;
        public bool HasOpenAttempt { get; set; }
        public Refusal? LastRefusal { get; set; }
    }
}
