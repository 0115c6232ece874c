using System.Buffers.Binary;
using System.Diagnostics;
using Sync.Nats;

namespace Sync.Benchmarks.Way;

/// <summary>The broker without anything of ours above the wire: a receiver that notes when each number came, and answers
/// requests, in a process of its own.
/// <code>receive --nats URL --board FILE</code></summary>
internal static class Bare
{
    public const string EchoSubject = "bare.echo";
    public const string NumberSubject = "bare.number";

    /// <summary>On the wire beside the counted ones, as other keys are beside the followed one.</summary>
    public const string OtherSubject = "bare.other";

    public static async Task<int> RunAsync(string[] args)
    {
        using var board = Board.Open(Arguments.Required(args, "--board"));
        await using var connection = await ConnectAsync(Arguments.Required(args, "--nats"));
        await using var numbers = await connection.SubscribeConfirmedAsync(
            NumberSubject, (in NatsMessageView message) => board[NumberOf(message.Payload)] = Stopwatch.GetTimestamp());
        await using var echo = await connection.SubscribeConfirmedAsync(
            EchoSubject, (in NatsMessageView message) => connection.TryPublish(message.ReplyTo!, message.Payload));
        Console.WriteLine("ready");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    public static void Number(byte[] payload, long number) =>
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(payload.Length - sizeof(long)), number);

    public static async Task<NatsConnection> ConnectAsync(string url)
    {
        var connection = new NatsConnection(new NatsOpts { Url = url });
        await connection.ConnectAsync();
        return connection;
    }

    private static long NumberOf(ReadOnlySpan<byte> payload) =>
        BinaryPrimitives.ReadInt64LittleEndian(payload[^sizeof(long)..]);
}
