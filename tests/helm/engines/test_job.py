from tests.helm.chart import render
from tests.helm.pods import container, volume

TEMPLATE = "templates/engines/job.yaml"
ENGINES = {
    "engines": {"enabled": True, "cache": {"claimName": "engines"}},
    "gpu": {"product": "NVIDIA-L4"},
}


def jobs(values=None):
    return render({**ENGINES, **(values or {})}).of_template(TEMPLATE)


def test_switched_off_there_is_none():
    assert render().of_template(TEMPLATE) == []


def test_pods_that_build_for_themselves_need_no_job():
    assert jobs({"engines": {"enabled": True, "builder": "init"}}) == []


def test_engines_are_built_before_any_pod_changes():
    (job,) = jobs()
    annotations = job["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"


def test_the_build_has_a_gpu_of_the_product_that_serves():
    (job,) = jobs()
    spec = job["spec"]["template"]["spec"]
    assert spec["nodeSelector"]["nvidia.com/gpu.product"] == "NVIDIA-L4"
    build = container(spec, "build-engines")
    assert build["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert build["image"] == "genod-triton:26.05-py3"
    assert build["command"] == ["python3", "-m", "serving", "build-engines"]
    assert "--model-repository=/models/current" in build["args"]
    assert "--cache=/engines" in build["args"]
    assert "--target=tensorrt" in build["args"]
    assert not any(argument.startswith("--link-into") for argument in build["args"])


def test_a_slice_is_built_for_on_a_slice():
    (job,) = jobs({"gpu": {"mode": "mig", "mig": {"profile": "2g.20gb"}, "product": "NVIDIA-H100-80GB-HBM3"}})
    build = container(job["spec"]["template"]["spec"], "build-engines")
    assert build["resources"]["limits"]["nvidia.com/mig-2g.20gb"] == 1


def test_engines_end_up_in_the_claim_that_pods_read():
    values = {**ENGINES}
    chart = render(values)
    (job,) = chart.of_template(TEMPLATE)
    pod = chart.one("Deployment", "genod-triton-stable")["spec"]["template"]["spec"]
    assert volume(job["spec"]["template"]["spec"], "engines") == volume(pod, "engines")


def test_the_build_gets_the_release_by_the_same_fetch():
    (job,) = jobs({"release": {"number": 9}})
    assert container(job["spec"]["template"]["spec"], "fetch-release")["args"][0] == "9"


def test_the_canarys_release_is_built_too():
    made = jobs({"canary": {"enabled": True, "release": 2}})
    assert {job["metadata"]["name"]: job["metadata"]["labels"]["genod/release"] for job in made} == {
        "genod-engine-builder-stable": "1",
        "genod-engine-builder-canary": "2",
    }


def test_a_build_ends_sometime():
    (job,) = jobs()
    assert job["spec"]["activeDeadlineSeconds"] == 3600
    assert job["spec"]["backoffLimit"] == 1
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_build_uses_nothing_that_is_made_after_it():
    chart = render({**ENGINES, "scheduling": {"priorityClass": {"create": True}}})
    (job,) = chart.of_template(TEMPLATE)
    spec = job["spec"]["template"]["spec"]
    assert "priorityClassName" not in spec
    account = chart.one("ServiceAccount", spec["serviceAccountName"])
    hook = account["metadata"]["annotations"]
    assert hook["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(hook["helm.sh/hook-weight"]) < int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
