using System.Net.Sockets;

namespace Sync.Nats.Internal;

/// <summary>
/// One live connection: a read loop, a send loop and a liveness timer over one socket. Whoever sees the end first names
/// the reason (<see cref="End"/>), which closes the socket; that ends both loops. The connection loop awaits both
/// before it goes on, so two sessions never overlap.
/// </summary>
internal sealed class Session(Socket socket, Stream stream, ReadBuffer buffer, ServerAddress server,
    NatsServerInfo info)
{
    private readonly TaskCompletionSource<NatsException> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _reads;
    private int _waitsForBytes;

    public ServerAddress Server => server;

    public NatsServerInfo Info => info;

    /// <summary>Reads that brought bytes.</summary>
    public long Reads => Volatile.Read(ref _reads);

    public bool IsWaitingForBytes => Volatile.Read(ref _waitsForBytes) == 1;

    public static ParserLimits Limits(NatsOpts opts) =>
        new(opts.ControlLineBytesMax, Info: 128 * 1024, opts.MessageBytesMax, opts.HeaderBytesMax);

    /// <summary>Ends the session; the first reason counts. Never blocks.</summary>
    public void End(NatsException reason)
    {
        if (_end.TrySetResult(reason))
            socket.Dispose();
    }

    /// <summary>Runs until the session has ended and both loops are done.</summary>
    public async Task<NatsException> RunAsync(ConnectionCore core, long epoch)
    {
        NatsException reason;
        Task reader, sender;
        using (new Liveness(this, core.Buffer, core.Opts))
        {
            reader = Task.Run(() => ReadAsync(new Receiver(core, this)));
            sender = Task.Run(() => SendAsync(core, epoch));
            reason = await _end.Task.ConfigureAwait(false);
        }

        // Publishers learn it now; the sender wakes up and finds its connection gone.
        var lost = new NatsException(NatsError.ConnectionLost,
            $"The connection to {server} was lost: {reason.Message}", reason);
        core.Buffer.Detach(lost, forGood: false);
        core.Requests.FailAll(lost);
        await Task.WhenAll(reader, sender).ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        return reason;
    }

    private async Task ReadAsync(Receiver receiver)
    {
        try
        {
            while (true)
            {
                if (buffer.IsEnough)
                    receiver.Process(buffer);
                Volatile.Write(ref _waitsForBytes, 1);
                var read = await buffer.FillAsync(stream).ConfigureAwait(false);
                Volatile.Write(ref _waitsForBytes, 0);
                if (read == 0)
                    throw new NatsException(NatsError.ConnectionLost, "The server closed the connection");
                Volatile.Write(ref _reads, _reads + 1);
            }
        }
        catch (NatsException e)
        {
            End(e);
        }
        catch (Exception e)
        {
            End(new NatsException(NatsError.ConnectionLost, e.Message, e));
        }
    }

    private async Task SendAsync(ConnectionCore core, long epoch)
    {
        var batch = default(Batch);
        try
        {
            while ((batch = await core.Buffer.TakeAsync(epoch).ConfigureAwait(false)).Bytes.Length > 0)
            {
                await stream.WriteAsync(batch.Bytes).ConfigureAwait(false);
                core.Counters.Out(batch.Messages, batch.Bytes.Length);
            }
        }
        catch (Exception e)
        {
            // How much of the batch arrived is unknown: none of it is sent again.
            core.Counters.LostInFlight(batch.Messages);
            End(new NatsException(NatsError.ConnectionLost, e.Message, e));
        }
    }
}
