using System.Diagnostics;

namespace Sync.HostileTests.Run;

/// <summary>An input that broke an oracle, as small as it could be made. Index -1 = a vector or a kept input itself.</summary>
internal sealed record Finding(string Target, int Seed, int Slice, int Index, string What, byte[] Input, string Detail)
{
    private const int ShownMax = 2000;

    private static readonly TimeSpan MinimizeTimeMax = TimeSpan.FromSeconds(3);

    /// <summary>What a reader needs to see it again and to keep it.</summary>
    public string Report()
    {
        var hex = Convert.ToHexStringLower(Input);
        return $"""
            {Target}: {What}
              seed {Seed}, slice {Slice}, input {Index}, {Input.Length} bytes: {(hex.Length > ShownMax ? hex[..ShownMax] + "…" : hex)}
              once more: dotnet run -c Release --project tests/Sync.HostileTests -- --target {Target} --input {hex}
              its slice: dotnet run -c Release --project tests/Sync.HostileTests -- --target {Target} --seed {Seed} --slice {Slice}
              keep it:   echo {hex} > tests/Sync.HostileTests/corpus/{Target}/NAME.hex
              {Detail}
            """;
    }

    /// <summary>Makes an input smaller as long as the target fails in the same way.</summary>
    public static byte[] Minimize(Target target, byte[] input, string what)
    {
        var probe = new Probe(target);
        var best = input;
        var started = Stopwatch.GetTimestamp();
        for (var size = Math.Max(1, best.Length / 2); size > 0; size /= 2)
            for (var at = 0; at + size <= best.Length;)
            {
                // What takes long to fail is not made as small.
                if (Stopwatch.GetElapsedTime(started) > MinimizeTimeMax) return best;
                byte[] smaller = [.. best[..at], .. best[(at + size)..]];
                if (FailsAs(probe, smaller, what)) best = smaller;
                else at += size;
            }
        return best;
    }

    private static bool FailsAs(Probe probe, byte[] input, string what)
    {
        try
        {
            probe.Run(input);
            return false;
        }
        catch (WrongAnswerException wrong)
        {
            return wrong.Message == what;
        }
    }
}
