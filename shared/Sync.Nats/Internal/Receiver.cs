using System.Text;

namespace Sync.Nats.Internal;

/// <summary>The read loop's hands: takes every whole frame out of the buffer and passes it on. Never waits.</summary>
internal sealed class Receiver(ConnectionCore core, Session session)
{
    private static readonly TimeSpan HandoverTimeout = TimeSpan.FromSeconds(2);

    private readonly ParserLimits _limits = Session.Limits(core.Opts);
    private bool _handingOver;

    public void Process(ReadBuffer buffer)
    {
        long messages = 0, bytes = 0;
        core.Buffer.BeginReadBatch();
        try
        {
            while (true)
            {
                var status = FrameParser.TryRead(buffer.Unread, _limits, out var frame, out var count);
                if (status == ParseStatus.NeedMore)
                {
                    buffer.Need(count);
                    return;
                }

                if (status == ParseStatus.Invalid)
                    throw new NatsException(NatsError.Protocol,
                        "The server sent what is no frame, or is larger than the limits");
                bytes += count;
                if (frame.Op == ServerOp.Message)
                {
                    messages++;
                    Deliver(frame);
                }
                else
                {
                    Control(frame);
                }

                buffer.Advance(count);
            }
        }
        finally
        {
            core.Buffer.EndReadBatch();
            core.Counters.In(messages, bytes);
        }
    }

    private void Deliver(in ServerFrame frame)
    {
        var subscription = core.Subscriptions.Find(frame.Sid);
        if (subscription is null || !subscription.Count(out var last))
        {
            core.Counters.Unrouted();
            return;
        }

        try
        {
            subscription.Deliver(new NatsMessageView(subscription, frame));
        }
        catch (Exception e)
        {
            core.Counters.CallbackError();
            core.Log.CallbackThrew(e, subscription.Sid, subscription.Subject);
        }

        // The server ends it by itself at the same message.
        if (last)
            core.Subscriptions.Remove(subscription, tellServer: false);
    }

    private void Control(in ServerFrame frame)
    {
        switch (frame.Op)
        {
            case ServerOp.Ping:
                core.Buffer.AppendPong();
                break;
            case ServerOp.Pong:
                core.Buffer.OnPong();
                break;
            case ServerOp.Error:
                OnError(Encoding.UTF8.GetString(frame.Text));
                break;
            case ServerOp.Info:
                OnInfo(NatsServerInfo.Parse(frame.Text));
                break;
            case ServerOp.Ok:
            case ServerOp.Message:
                break;
        }
    }

    private void OnError(string text)
    {
        var kind = ServerErrors.Classify(text);
        var error = ServerErrors.ToException(text, kind);
        core.Counters.ServerError();
        core.Log.ServerError(text);
        core.Owner.RaiseServerError(new NatsErrorEventArgs(error));
        switch (kind)
        {
            case ServerErrorKind.PermissionSubscribe:
                core.Counters.PermissionError();
                var (subject, queueGroup) = ServerErrors.Names(text);
                if (subject is not null)
                    core.Subscriptions.Deny(subject, queueGroup, error);
                break;
            case ServerErrorKind.PermissionPublish:
                core.Counters.PermissionError();
                // The error comes before the PONG of a flush behind the message, so whoever flushes sees it. Whom an
                // answer goes to is the requester's choice and concerns nobody else.
                if (ServerErrors.Names(text).Subject?.StartsWith("_INBOX.", StringComparison.Ordinal) != true)
                    core.Counters.PublishDenied();
                break;
            case ServerErrorKind.Authentication:
            case ServerErrorKind.Fatal:
                throw error;
        }
    }

    private void OnInfo(NatsServerInfo info)
    {
        core.Info = info;
        core.Pool.Merge(info.ConnectUrls, session.Server);
        if (!info.LameDuckMode || _handingOver)
            return;
        core.Log.LameDuck(session.Server.ToString());
        core.Owner.RaiseLameDuck(
            new NatsEventArgs(session.Server.ToString(), core.Epoch, "The server is in lame duck mode"));
        // With nowhere to go the connection is used until the server ends it.
        if (core.Pool.Count < 2)
            return;
        _handingOver = true;
        _ = HandOverAsync();
    }

    // Everything sent so far is handled by the old server (its PONG says so), what comes meanwhile waits for the new
    // one.
    private async Task HandOverAsync()
    {
        var fence = core.Buffer.BeginHandover();
        await ((Task)fence.Task).WaitAsync(HandoverTimeout, core.Opts.TimeProvider)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        session.End(new NatsException(NatsError.ConnectionLost, "The server is in lame duck mode"));
    }
}
